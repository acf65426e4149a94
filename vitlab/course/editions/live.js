// Draws an explorer of the course on any page, over http or from disk: `vitlab.live(element, payload)`.
// An explorer is an anywidget whose module asks its model for values and nothing else, so a dozen lines stand in for it.
window.vitlab = window.vitlab || {};

/** element: where to draw; payload: {module, css, traits} as `live.py` writes it. Returns a promise: drawn. */
window.vitlab.live = async (element, { module, css, traits }) => {
  const values = new Map();
  for (const [name, value] of Object.entries(traits)) {
    const bytes = value !== null && typeof value === "object" && typeof value.base64 === "string";
    values.set(name, bytes ? new DataView(Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)).buffer) : value);
  }
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const address = URL.createObjectURL(new Blob([module], { type: "text/javascript" })); // a file may not import a file
  const explorer = (await import(address)).default;
  URL.revokeObjectURL(address);
  const model = { get: (name) => values.get(name) };
  await explorer.render({ model, el: element, signal: new AbortController().signal });
};
