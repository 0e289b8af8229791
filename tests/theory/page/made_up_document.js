// As much of a browser as the page's script needs: four claims, their entries, the fields, and an address.

function element(attributes = {}, children = {}) {
  const listeners = {};
  return {
    hidden: false, open: false, value: "", textContent: "", dataset: {}, scrolled: 0, ...attributes,
    querySelector: selector => children[selector] ?? null,
    addEventListener: (kind, listener) => { listeners[kind] = listener; },
    send: kind => listeners[kind]?.(),
    closest() { return this.section === undefined ? this : this.section; },
    scrollIntoView() { this.scrolled += 1; },
    removeAttribute(name) { delete this[name]; },
    setAttribute(name, value) { this[name] = value; },
  };
}

function claim(id, verdict, family, textContent) {
  return element({ id, dataset: { verdict, family }, textContent }, { details: element() });
}

const sections = [
  claim("a", "refuted", "paper", "SAM forgets the set"),
  claim("b", "refuted", "ours", "SAM at σ0 = 10−2"),
  claim("c", "outside-the-hypotheses", "paper", "SGD  forgets\nmax_leak"),
  claim("d", "supported", "paper", "SGD"),
];
const byName = { page_contents: element({}, { ol: element() }), page_filter: element({ hidden: true }), filter_count: element({ textContent: "4 claims" }) };
for (const name of ["verdict", "family", "word"]) byName["filter_" + name] = element();
for (const each of sections) byName[each.id] = each;
byName.condition_x = element({ section: element({}, { details: element() }) });
byName.page_marks = element({ section: null });

const entries = {}, permalink = element({ href: "file:///page#a" });
for (const each of sections) entries['nav a[href="#' + each.id + '"]'] = { parentElement: element() };
const windows = {}, copied = [], width = { ...element(), matches: true };
const location = { hash: "" }, history = { replaceState: (state, title, hash) => { location.hash = hash; } };
const navigator = { clipboard: { writeText: text => { copied.push(text); return { then: done => done() }; } } };
const document = {
  getElementById: name => byName[name] ?? null,
  querySelector: selector => entries[selector],
  querySelectorAll: selector => ({ "section[data-verdict]": sections, "a.permalink": [permalink] })[selector] ?? sections.map(each => each.querySelector("details")),
};
const matchMedia = () => width;
const addEventListener = (kind, listener) => { windows[kind] = listener; };
class IntersectionObserver { observe() {} }

function go(hash) { location.hash = hash; windows.hashchange(); }
function type(name, value) { byName["filter_" + name].value = value; byName["filter_" + name].send("input"); }
const left = () => sections.filter(each => !each.hidden).map(each => each.id).join(" ");
const listed = () => sections.filter(each => !entries['nav a[href="#' + each.id + '"]'].parentElement.hidden).map(each => each.id).join(" ");
const unfolded = () => sections.filter(each => each.querySelector("details").open).map(each => each.id).join(" ");
