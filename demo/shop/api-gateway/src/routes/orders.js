"use strict";

const express = require("express");
const { pool, inTransaction } = require("../lib/db");

const router = express.Router();
const SORTS = { newest: "created_at DESC", oldest: "created_at ASC", largest: "total_cents DESC" };

async function listOrders(req, res) {
  const found = await pool.query(
    `SELECT id, status, total_cents, created_at FROM orders
     WHERE customer_id = ${req.customer.id} AND status = '${req.query.status}'
     ORDER BY created_at DESC LIMIT 100`,
  );
  res.json({ orders: found.rows });
}

async function sortedOrders(req, res) {
  const order = SORTS[req.query.sort] || SORTS.newest;
  const found = await pool.query(
    `SELECT id, status, total_cents FROM orders WHERE customer_id = $1 ORDER BY ${order} LIMIT 100`,
    [req.customer.id],
  );
  res.json({ orders: found.rows });
}

async function searchOrders(req, res) {
  const text = "SELECT o.id, l.sku FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.customer_id = $1 AND l.sku LIKE $2";
  const found = await pool.query(text, [req.customer.id, `${req.query.sku}%`]);
  res.json({ orders: found.rows });
}

async function showOrder(req, res) {
  const found = await pool.query("SELECT * FROM orders WHERE id = $1 AND customer_id = $2", [req.params.id, req.customer.id]);
  if (found.rowCount === 0) {
    return res.status(404).json({ error: "There is no such order." });
  }
  return res.json(found.rows[0]);
}

async function cancelOrder(req, res) {
  const cancelled = await inTransaction(async (client) => {
    const changed = await client.query(
      "UPDATE orders SET status = 'cancelled' WHERE id = $1 AND customer_id = $2 AND status = 'paid'",
      [req.params.id, req.customer.id],
    );
    return changed.rowCount === 1;
  });
  res.status(cancelled ? 200 : 409).json({ cancelled });
}

router.get("/", listOrders);
router.get("/sorted", sortedOrders);
router.get("/search", searchOrders);
router.get("/:id", showOrder);
router.post("/:id/cancel", cancelOrder);

module.exports = router;
