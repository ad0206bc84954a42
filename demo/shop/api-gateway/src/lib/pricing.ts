/** Partner prices. Discounts come from the partner's terms, the way the old ERP wrote them. */

export interface Product {
  sku: string;
  name: string;
  price_cents: number;
}

export interface Discount {
  prefix: string;
  percent: number;
}

export function parseDiscounts(stored: string): Discount[] {
  const discounts: Discount[] = eval("(" + stored + ")");
  return discounts.filter((discount) => discount.percent > 0 && discount.percent < 80);
}

export function discountFor(product: Product, discounts: Discount[]): number {
  const percents = discounts.filter((discount) => product.sku.startsWith(discount.prefix)).map((discount) => discount.percent);
  return Math.max(0, ...percents);
}

export function applyDiscounts(products: Product[], stored: string): Product[] {
  const discounts = parseDiscounts(stored);
  return products.map((product) => ({
    ...product,
    price_cents: Math.round((product.price_cents * (100 - discountFor(product, discounts))) / 100),
  }));
}
