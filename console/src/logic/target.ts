// Where a webhook's URL leads: a tree of the workflow engine, or somebody else's server.

export interface TreePath {
  source: string;
  group: string;
  name: string;
}

/** `title` is the whole name, `short` what a table has room for. */
export type Target =
  | { kind: 'tree'; path: TreePath; title: string; short: string }
  | { kind: 'guid'; guid: string; title: string; short: string }
  | { kind: 'url'; host: string; title: string; short: string };

const RUN_TREE = /\/app\/api\/v1\/run-tree\/(.+)$/;
const EXPRESSION = /\$\{([^}]*)\}/g;

/** Splits at slashes that are outside of `${…}`. */
function segments(path: string): string[] {
  const out = [''];
  let depth = 0;
  for (let i = 0; i < path.length; i += 1) {
    const char = path[i]!;
    if (char === '$' && path[i + 1] === '{') depth += 1;
    if (char === '}' && depth > 0) depth -= 1;
    if (char === '/' && depth === 0) out.push('');
    else out[out.length - 1] += char;
  }
  return out;
}

function decode(text: string): string {
  const kept: string[] = [];
  const bare = text.replace(EXPRESSION, (all) => `\u0000${kept.push(all) - 1}\u0000`);
  let plain = bare;
  try {
    plain = decodeURIComponent(bare);
  } catch {
    // A stray percent sign: the text is shown as it was written.
  }
  return plain.replace(/\u0000(\d+)\u0000/g, (_, index) => kept[Number(index)] ?? '');
}

/** `${kapp('slug')}` reads as `[kapp slug]`, `${space('attribute:X')}` as `[X]`. */
export function readable(text: string): string {
  return text.replace(EXPRESSION, (_, code: string) => {
    const call = /^\s*(\w+)\(\s*['"]([^'"]+)['"]\s*\)\s*$/.exec(code);
    if (!call) return '[…]';
    const property = call[2]!;
    const attribute = /^attribute:(.*)$/.exec(property);
    return attribute ? `[${attribute[1]}]` : `[${call[1]} ${property}]`;
  });
}

export function treePath(url: string): TreePath | undefined {
  const found = RUN_TREE.exec(url.split('?')[0] ?? '');
  if (!found) return undefined;
  const [source, group, name] = segments(found[1]!).map(decode);
  if (!source || !group || !name) return undefined;
  return { source, group, name };
}

export function target(url: string): Target {
  const path = treePath(url);
  if (path) {
    const [source, group, name] = [path.source, path.group, path.name].map(readable);
    const title = `${source} :: ${group} :: ${name}`;
    return { kind: 'tree', path, title, short: `${group} :: ${name}` };
  }
  const guid = /\/runs\?(?:.*&)?guid=([^&]+)/.exec(url);
  if (guid) {
    const title = `Tree ${guid[1]!.slice(0, 8)}`;
    return { kind: 'guid', guid: guid[1]!, title, short: title };
  }
  try {
    const host = new URL(url.replace(EXPRESSION, 'x')).host;
    return { kind: 'url', host, title: host, short: host };
  } catch {
    return { kind: 'url', host: url, title: url, short: url };
  }
}

function encode(text: string): string {
  const kept: string[] = [];
  const bare = text.replace(EXPRESSION, (all) => `__${kept.push(all) - 1}__`);
  return encodeURIComponent(bare).replace(/__(\d+)__/g, (_, index) => kept[Number(index)] ?? '');
}

/** The run-tree URL of a tree; expressions in the parts stay as they are. */
export const treeUrl = (path: TreePath): string =>
  `/app/api/v1/run-tree/${[path.source, path.group, path.name].map(encode).join('/')}`;

/** The space names its source in an attribute, so that webhooks survive a rename. */
export const DEFAULT_SOURCE = "${space('attribute:Task Source Name')}";

/** The conventional tree for what happens at a level, as an address with expressions in it. */
export function conventional(type: string, event: string, source = DEFAULT_SOURCE): TreePath {
  const groups: Record<string, string> = {
    Space: 'Space',
    User: 'Users',
    Team: 'Teams',
    'Datastore Form': "Datastore Forms > ${form('slug')}",
    'Datastore Submission': "Datastore Submissions > ${form('slug')}",
    Form: "${kapp('slug')} > ${form('slug')}",
    Submission: "Submissions > ${kapp('slug')} > ${form('slug')}",
    Discussion: 'Discussions',
  };
  return { source, group: groups[type] ?? type, name: event };
}
