// Spans of time as people type them: "30 s", "5 min", "8 h", "2 d 12 h".

const UNITS: [string, number, RegExp][] = [
  ['d', 86_400_000, /^d(ays?)?$/],
  ['h', 3_600_000, /^h(ours?|rs?)?$/],
  ['min', 60_000, /^m(in(utes?)?)?$/],
  ['s', 1000, /^s(ec(onds?)?)?$/],
  ['ms', 1, /^ms$/],
];

/** "2 min 30 s": exact, so that what is written reads back the same. */
export function formatSpan(ms: number): string {
  if (ms === 0) return '0 s';
  let rest = ms;
  const parts: string[] = [];
  for (const [name, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${name}`);
    rest -= count * size;
  }
  return parts.join(' ');
}

/** Milliseconds; a bare number is seconds. Undefined when it is no span. */
export function parseSpan(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  const found = [...trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/g)];
  if (found.length === 0 || found.map(([all]) => all).join('') !== trimmed) return undefined;
  let ms = 0;
  for (const [, count, unit] of found) {
    const size = UNITS.find(([, , words]) => words.test(unit!))?.[1];
    if (size === undefined) return undefined;
    ms += Number(count) * size;
  }
  return Math.round(ms);
}
