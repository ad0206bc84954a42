const axios = require("axios");

async function avatar(req, res) {
  // ruleid: javascript.node.request-to-chosen-host
  const answer = await axios.get(req.body.avatarUrl, { responseType: "stream" });
  answer.data.pipe(res);
}

async function forward(request, response) {
  const target = `https://${request.params.host}/ping`;
  // ruleid: javascript.node.request-to-chosen-host
  response.json(await (await fetch(target)).json());
}

async function lookup(req, res) {
  // ok: javascript.node.request-to-chosen-host
  res.json(await (await fetch("https://names.example/" + encodeURIComponent(req.query.name))).json());
}

async function health(req, res) {
  // ok: javascript.node.request-to-chosen-host
  res.json((await axios.get("http://search:9200/_health")).data);
}
