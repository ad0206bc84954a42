"""How fast and how good the platform is on this machine: `python -m bench [name ...]` prints JSON.

Every figure is taken from the product's own code over real servers; nothing here is used by the product.
"""
