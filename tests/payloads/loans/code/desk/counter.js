const shelf = require("./shelf");

function lend(reader, book) {
  shelf.run("lend " + book);
  return reader;
}

function giveBack(reader, book) {
  shelf.run("back " + book);
  return reader;
}
