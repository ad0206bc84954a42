"""`manage.py analyze`: the whole pipeline over one report and one folder, with servers that are gone afterwards."""
