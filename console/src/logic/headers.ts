// Headers as people type them: a name, a colon and a value on each line.

export interface Header {
  name: string;
  value: string;
}

export const formatHeaders = (headers: Header[]): string =>
  headers.map(({ name, value }) => `${name}: ${value}`).join('\n');

/** Lines without a colon become names without a value, which the server refuses in words. */
export function parseHeaders(text: string): Header[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const at = line.indexOf(':');
      if (at < 0) return { name: line.trim(), value: '' };
      return { name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
    });
}
