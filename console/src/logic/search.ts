// The address bar as the state of a page: plain strings, nothing empty, no JSON in sight.

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search))
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
  const out = params.toString();
  return out ? `?${out}` : '';
}

/** A validator that keeps the named parameters and drops the rest. */
export function only<K extends string>(...names: K[]) {
  return (raw: Record<string, unknown>): { [P in K]?: string } => {
    const out: { [P in K]?: string } = {};
    for (const name of names) {
      const value = raw[name];
      if (typeof value === 'string' && value !== '') out[name] = value;
    }
    return out;
  };
}
