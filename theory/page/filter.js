"use strict";
// What a filter is, apart from the page. Neither ampersands nor less-than signs: the page is XML as well.

const AND = "\u0026";
const FIELDS = ["verdict", "family", "word"];

// Text in which words are looked for: minus signs are hyphens, signs of powers and indices left out.
const plain = text => text.toLowerCase().replaceAll("−", "-").replace(/[_^]/g, "").replace(/\s+/g, " ").trim();

// Whether the part of an address behind # is a filter; otherwise it is the name of a claim.
const isFilter = hash => hash.includes("=");

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

// "#verdict=refuted" and what else is joined by AND, as a filter; fields that are not there are empty.
function filterOf(hash) {
  const pairs = hash.replace(/^#/, "").split(AND).map(pair => pair.split("="));
  return Object.fromEntries(FIELDS.map(name => [name, decoded((pairs.find(pair => pair[0] === name) ?? [])[1] ?? "")]));
}

// The other way round; "#" for a filter that lets all claims through.
function hashOf(filter) {
  const given = FIELDS.filter(name => filter[name].trim() !== "");
  return "#" + given.map(name => name + "=" + encodeURIComponent(filter[name].trim())).join(AND);
}

// Whether a claim has the verdict, is of the family, and has all the words.
function lets(filter, claim) {
  const same = ["verdict", "family"].every(name => ["", claim[name]].includes(filter[name]));
  return same ? plain(filter.word).split(" ").every(word => claim.text.includes(word)) : false;
}
