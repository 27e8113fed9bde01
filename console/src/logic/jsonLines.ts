// JSON as lines that fold: what the viewer draws, a window at a time, so that a megabyte stays light.

export type TokenKind = 'key' | 'string' | 'number' | 'word' | 'mark';

export interface Token {
  kind: TokenKind;
  text: string;
}

export interface Line {
  depth: number;
  tokens: Token[];
  /** Set on a line that opens something foldable; its path is the fold's name. */
  fold?: string;
  folded?: boolean;
}

const LONGEST = 4000;

/** The lines of a value; `folded` decides by path, depth and size what starts closed. */
export function jsonLines(
  value: unknown,
  folded: (path: string, depth: number, size: number) => boolean,
): Line[] {
  const out: Line[] = [];
  write(value, '$', 0, [], '', out, folded);
  return out;
}

function write(
  value: unknown,
  path: string,
  depth: number,
  lead: Token[],
  tail: string,
  out: Line[],
  folded: (path: string, depth: number, size: number) => boolean,
): void {
  if (value === null || typeof value !== 'object') {
    out.push({ depth, tokens: [...lead, scalar(value), ...mark(tail)] });
    return;
  }
  const list = Array.isArray(value);
  const entries = list
    ? value.map((item, index): [string, unknown] => [String(index), item])
    : Object.entries(value);
  const [open, close] = list ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) {
    out.push({ depth, tokens: [...lead, ...mark(`${open}${close}${tail}`)] });
    return;
  }
  if (folded(path, depth, entries.length)) {
    const inside = list ? `${entries.length} items` : `${entries.length} keys`;
    const tokens = [...lead, ...mark(open!), { kind: 'word' as const, text: ` ${inside} ` }];
    out.push({ depth, tokens: [...tokens, ...mark(close! + tail)], fold: path, folded: true });
    return;
  }
  out.push({ depth, tokens: [...lead, ...mark(open!)], fold: path, folded: false });
  entries.forEach(([key, item], index) => {
    const name: Token[] = list ? [] : [{ kind: 'key', text: JSON.stringify(key) }, ...mark(': ')];
    const comma = index < entries.length - 1 ? ',' : '';
    write(item, `${path}/${key}`, depth + 1, name, comma, out, folded);
  });
  out.push({ depth, tokens: mark(close! + tail) });
}

const mark = (text: string): Token[] => (text ? [{ kind: 'mark', text }] : []);

function scalar(value: unknown): Token {
  if (typeof value === 'string') {
    const text = JSON.stringify(value);
    const shown =
      text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text;
    return { kind: 'string', text: shown };
  }
  if (typeof value === 'number') return { kind: 'number', text: String(value) };
  return { kind: 'word', text: String(value) };
}

export const lineText = (line: Line): string => line.tokens.map((token) => token.text).join('');

/** Text as lines no longer than a screen can wrap cheaply. */
export function textLines(text: string, width = 400): Line[] {
  const out: Line[] = [];
  for (const row of text.split('\n')) {
    for (let at = 0; at === 0 || at < row.length; at += width)
      out.push({ depth: 0, tokens: [{ kind: 'mark', text: row.slice(at, at + width) }] });
  }
  return out;
}
