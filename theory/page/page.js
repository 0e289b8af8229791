
// The page: fields of the filter, links that unfold what they lead to, and contents that follow.

const byId = name => document.getElementById(name);
const claims = [...document.querySelectorAll("section[data-verdict]")].map(section => ({
  section, verdict: section.dataset.verdict, family: section.dataset.family, text: plain(section.textContent),
  entry: document.querySelector('nav a[href="#' + section.id + '"]').parentElement,
}));
const fields = FIELDS.map(name => byId("filter_" + name));
const count = byId("filter_count"), all = count?.textContent;

function show(filter) {
  for (const claim of claims) claim.section.hidden = claim.entry.hidden = !lets(filter, claim);
  const left = claims.filter(claim => !claim.section.hidden).length;
  count.textContent = left === claims.length ? all : left + " of " + all;
}

function fill(filter) {
  FIELDS.forEach((name, place) => { fields[place].value = filter[name]; });
  show(filter);
}

// Show what the address asks for: a filter, or a claim or condition, which is unfolded.
function follow() {
  const target = byId(decoded(location.hash.slice(1)));
  if (!target) return fill(filterOf(isFilter(location.hash) ? location.hash : ""));
  const section = target.closest("section");
  if (!section) return;
  if (section.hidden) fill(filterOf(""));
  section.querySelector("details").open = true;
  target.scrollIntoView();
}

// --- contents

function followed(entries) {
  for (const entry of entries.filter(each => each.isIntersecting)) {
    const list = document.querySelector("nav ol");
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const link = list.querySelector('a[href="#' + entry.target.id + '"]');
    link.setAttribute("aria-current", "true");
    list.scrollTop = link.offsetTop - list.offsetTop - list.clientHeight / 2;
  }
}

if (claims.length) {
  const contents = byId("page_contents"), wide = matchMedia("(min-width: 64rem)");
  const fold = () => { contents.open = wide.matches; };
  wide.addEventListener("change", fold);
  contents.querySelector("ol").addEventListener("click", fold);
  fold();

  const seen = new IntersectionObserver(followed, { rootMargin: "-15% 0px -75% 0px" });
  for (const claim of claims) seen.observe(claim.section);

  byId("page_filter").hidden = false;
  for (const field of fields) field.addEventListener("input", () => {
    const filter = Object.fromEntries(FIELDS.map((name, place) => [name, fields[place].value]));
    show(filter);
    history.replaceState(null, "", hashOf(filter));
  });

  for (const link of document.querySelectorAll("a.permalink")) link.addEventListener("click", () => {
    navigator.clipboard?.writeText(link.href).then(() => { link.dataset.copied = "copied"; }, () => {});
  });
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("main details")) each.open = true; });
  follow();
}
