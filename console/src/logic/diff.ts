// What differs between two texts, line by line, as a reader of patches expects it.

export type DiffKind = 'same' | 'gone' | 'new';

export interface DiffLine {
  kind: DiffKind;
  text: string;
}

/** Cells of the comparison table; larger texts are shown as replaced, which stays quick. */
const CELLS_MAX = 4_000_000;

/** The lines of both texts: unchanged ones once, then what went, then what came. */
export function diff(before: string, after: string): DiffLine[] {
  const [a, b] = [lines(before), lines(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail))
    tail += 1;
  return [
    ...mark(a.slice(0, head), 'same'),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...mark(a.slice(a.length - tail), 'same'),
  ];
}

const lines = (text: string): string[] => (text === '' ? [] : text.split('\n'));

const mark = (texts: string[], kind: DiffKind): DiffLine[] => texts.map((text) => ({ kind, text }));

/** The longest common sequence of what lies between the equal ends. */
function middle(a: string[], b: string[]): DiffLine[] {
  const width = b.length + 1;
  if (a.length * b.length === 0 || (a.length + 1) * width > CELLS_MAX)
    return [...mark(a, 'gone'), ...mark(b, 'new')];
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      common[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const out: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      out.push({ kind: 'same', text: a[i]! });
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      out.push({ kind: 'gone', text: a[i]! });
      i += 1;
    } else {
      out.push({ kind: 'new', text: b[j]! });
      j += 1;
    }
  }
  return [...out, ...mark(a.slice(i), 'gone'), ...mark(b.slice(j), 'new')];
}

/** A stretch of lines to show, or the number of unchanged lines left out. */
export type DiffPart = { skipped: number } | { lines: DiffLine[] };

/** Keeps `context` unchanged lines around each change. */
export function around(all: DiffLine[], context = 3): DiffPart[] {
  const near = new Array<boolean>(all.length).fill(false);
  all.forEach((line, index) => {
    if (line.kind === 'same') return;
    for (let k = Math.max(0, index - context); k <= index + context && k < all.length; k += 1)
      near[k] = true;
  });
  const out: DiffPart[] = [];
  all.forEach((line, index) => {
    const last = out.at(-1);
    if (near[index]) {
      if (last && 'lines' in last) last.lines.push(line);
      else out.push({ lines: [line] });
    } else if (last && 'skipped' in last) last.skipped += 1;
    else out.push({ skipped: 1 });
  });
  return out;
}

export const differs = (all: DiffLine[]): boolean => all.some((line) => line.kind !== 'same');
