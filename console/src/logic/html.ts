// Makes the HTML of a form's content element inert: known tags, harmless attributes, safe links.

const TAGS = new Set(
  'a abbr b blockquote br code dd div dl dt em h1 h2 h3 h4 h5 h6 hr i kbd li ol p pre s small span strong sub sup table tbody td th thead tr u ul'.split(
    ' ',
  ),
);
const DROPPED = new Set('script style iframe object embed template noscript svg math'.split(' '));
const SAFE_LINK = /^(https?:|mailto:|tel:|\/(?!\/)|#)/i;

/** Returns markup that cannot run, load or restyle anything. */
export function inert(html: string): string {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const out = document.implementation.createHTMLDocument('');
  copy(parsed.body, out.body, out);
  return out.body.innerHTML;
}

function copy(from: Node, to: Node, doc: Document): void {
  for (const child of Array.from(from.childNodes)) {
    if (child.nodeType === Node.TEXT_NODE) {
      to.appendChild(doc.createTextNode(child.textContent ?? ''));
      continue;
    }
    if (child.nodeType !== Node.ELEMENT_NODE) continue;
    const element = child as HTMLElement;
    const tag = element.localName;
    if (DROPPED.has(tag)) continue;
    if (!TAGS.has(tag)) {
      copy(element, to, doc);
      continue;
    }
    const kept = doc.createElement(tag);
    if (tag === 'a') keepLink(element, kept);
    copy(element, kept, doc);
    to.appendChild(kept);
  }
}

function keepLink(from: HTMLElement, to: HTMLElement): void {
  const href = (from.getAttribute('href') ?? '').trim();
  if (!SAFE_LINK.test(href)) return;
  to.setAttribute('href', href);
  to.setAttribute('rel', 'noopener noreferrer nofollow');
  to.setAttribute('target', '_blank');
}
