"use strict";

(function () {
  const heading = document.querySelector("#search-heading");
  const list = document.querySelector("#search-results");
  const params = new URLSearchParams(window.location.search);

  function showHeading() {
    heading.innerHTML = params.get("q");
  }

  function showProducts(products) {
    list.innerHTML = "";
    for (const product of products) {
      const item = document.createElement("li");
      item.textContent = product.name;
      list.append(item);
    }
  }

  function showReviews(reviews) {
    const box = document.querySelector("#reviews");
    box.innerHTML = reviews.map((review) => `<blockquote>${review.text}<cite>${review.author}</cite></blockquote>`).join("");
  }

  async function start() {
    showHeading();
    const answer = await fetch("/search.json?" + params.toString());
    const found = await answer.json();
    showProducts(found.products);
    showReviews(found.reviews || []);
  }

  start();
})();
