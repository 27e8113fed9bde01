// An operation as people type it: lines for parameters, headers and outputs.
import type {
  Operation,
  OperationConfig,
  Outputs,
  RequestBody,
  RequestConfig,
  StatementConfig,
} from '../api/connections';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

export type BodyKind = 'raw' | 'www_form_urlencoded' | 'multipart_form';

/** What the form holds. */
export interface Draft {
  name: string;
  kind: 'http' | 'postgres';
  statement: string;
  parameters: string;
  method: string;
  path: string;
  params: string;
  headers: string;
  bodyKind: BodyKind;
  body: string;
  outputs: string;
}

/** `name: value` on each line; a list of values becomes as many lines. */
export const formatPairs = (pairs: Record<string, string | string[]>): string =>
  Object.entries(pairs)
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`))
    .join('\n');

export function parsePairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const line of text.split('\n')) {
    if (!line.trim()) continue;
    const at = line.indexOf(':');
    const name = (at < 0 ? line : line.slice(0, at)).trim();
    pairs[name] = at < 0 ? '' : line.slice(at + 1).trim();
  }
  return pairs;
}

/** Headers may repeat: their values become a list. */
export function parseHeaderPairs(text: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const line of text.split('\n').filter((one) => one.trim())) {
    const [[name, value]] = Object.entries(parsePairs(line)) as [[string, string]];
    const before = headers[name];
    headers[name] = before === undefined ? value : [...[before].flat(), value];
  }
  return headers;
}

/** `Name = expression` on each line; indented ones are made for each item of a list. */
export function formatOutputs(outputs: Outputs): string {
  const lines: string[] = [];
  for (const [name, { value, children }] of Object.entries(outputs)) {
    lines.push(`${name} = ${value}`);
    for (const [child, text] of Object.entries(children ?? {})) lines.push(`  ${child} = ${text}`);
  }
  return lines.join('\n');
}

export function parseOutputs(text: string): Outputs {
  const outputs: Outputs = {};
  let last: Outputs[string] | undefined;
  for (const line of text.split('\n')) {
    if (!line.trim()) continue;
    const at = line.indexOf('=');
    const name = (at < 0 ? line : line.slice(0, at)).trim();
    const value = at < 0 ? '' : line.slice(at + 1).trim();
    if (/^\s/.test(line) && last) {
      last.children = { ...last.children, [name]: value };
    } else {
      last = { value };
      outputs[name] = last;
    }
  }
  return outputs;
}

export const NEW: Draft = {
  name: '',
  kind: 'http',
  statement: '',
  parameters: '',
  method: 'GET',
  path: '/',
  params: '',
  headers: '',
  bodyKind: 'raw',
  body: '',
  outputs: 'Status = statusCode\nBody = body',
};

export const NEW_STATEMENT: Draft = {
  ...NEW,
  kind: 'postgres',
  outputs: 'Rows = body.rows\nCount = body.numRows',
};

export const isStatement = (config: OperationConfig): config is StatementConfig =>
  config.configType === 'postgres';

/** One on each line, for $1 and so on. */
const parseParameters = (text: string): string[] =>
  text.trim() === '' ? [] : text.trimEnd().split('\n');

/** What is to be seen of an operation in a list: method and path, or how its statement begins. */
export const signOf = (config: OperationConfig): [string, string] =>
  isStatement(config)
    ? ['SQL', config.statement.trim().split('\n')[0] ?? '']
    : [config.method, config.path];

function formatBody(body: RequestBody): string {
  if (body.bodyType === 'www_form_urlencoded') return formatPairs(body.form);
  const text = body.bodyType === 'raw' ? (body.raw ?? '') : body.parts;
  return typeof text === 'string' ? text : JSON.stringify(text, null, 2);
}

export function draftOf({ name, config, outputs: of }: Operation): Draft {
  const outputs = formatOutputs(of);
  if (isStatement(config)) {
    const { statement, parameters } = config;
    return { ...NEW_STATEMENT, name, statement, parameters: parameters.join('\n'), outputs };
  }
  return {
    ...NEW,
    name,
    method: config.method,
    path: config.path,
    params: formatPairs(config.params),
    headers: formatPairs(config.headers),
    bodyKind: config.body.bodyType,
    body: formatBody(config.body),
    outputs,
  };
}

function parseBody(kind: BodyKind, text: string): RequestBody {
  if (kind === 'raw') return { bodyType: kind, raw: text };
  if (kind === 'www_form_urlencoded') return { bodyType: kind, form: parsePairs(text) };
  return { bodyType: kind, parts: text.trim() ? JSON.parse(text) : [] };
}

/** What the server is sent; throws when the parts of a body are no JSON. */
export function fieldsOf(
  draft: Draft,
  former?: Operation,
): { name: string; config: OperationConfig; outputs: Outputs } {
  const config =
    draft.kind === 'postgres'
      ? statementOf(draft, former?.config as StatementConfig | undefined)
      : requestOf(draft, former?.config as RequestConfig | undefined);
  return { name: draft.name.trim(), config, outputs: parseOutputs(draft.outputs) };
}

function statementOf(draft: Draft, former?: StatementConfig): StatementConfig {
  // What was not touched may hold line breaks.
  const keeps = former && draft.parameters === former.parameters.join('\n');
  const parameters = keeps ? former.parameters : parseParameters(draft.parameters);
  return { configType: 'postgres', statement: draft.statement, parameters };
}

function requestOf(draft: Draft, former?: RequestConfig): RequestConfig {
  const raw = former?.body;
  const keeps = raw && draft.bodyKind === raw.bodyType && draft.body === formatBody(raw);
  return {
    ...former,
    method: draft.method,
    path: draft.path,
    params: parsePairs(draft.params),
    headers: parseHeaderPairs(draft.headers),
    body: keeps ? raw : parseBody(draft.bodyKind, draft.body),
  };
}
