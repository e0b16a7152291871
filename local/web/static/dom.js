/** Make an element: `make("p", { class: "note" }, "text", child)`; what is null or false is left out. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false && value != null) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Leave of a long id or digest as much as people compare. */
export function shorten(text) {
  return /[0-9a-f-]{20}/i.test(text) ? `${text.slice(0, 8)}…${text.slice(-4)}` : text;
}
