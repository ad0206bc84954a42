const { Pool } = require("pg");
const pool = new Pool();

async function trains(req, res) {
  // ruleid: javascript.pg.query-built-from-request
  const found = await pool.query(`SELECT * FROM trains WHERE line = '${req.params.line}'`);
  res.json(found.rows);
}

async function stations(req, res) {
  const text = "SELECT * FROM stations WHERE zone = " + req.body.zone;
  // ruleid: javascript.pg.query-built-from-request
  res.json(await pool.query({ text: text, rowMode: "array" }));
}

async function tickets(req, res) {
  // ok: javascript.pg.query-built-from-request
  const found = await pool.query("SELECT * FROM tickets WHERE holder = $1", [req.query.holder]);
  res.json(found.rows);
}

async function platforms(req, res) {
  const table = "platforms";
  // ok: javascript.pg.query-built-from-request
  res.json(await pool.query(`SELECT * FROM ${table}`));
}
