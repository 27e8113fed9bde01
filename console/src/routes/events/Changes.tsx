// What a change changed: before and after, field by field.
import { inline } from '../../logic/text';
import { Panel } from '../../parts/Page';
import { Rows } from '../../parts/Rows';

export interface Change {
  name: string;
  before: unknown;
  after: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const pairOf = (value: unknown): [unknown, unknown] | undefined => {
  if (!isObject(value)) return undefined;
  for (const [before, after] of [
    ['before', 'after'],
    ['from', 'to'],
    ['previous', 'current'],
    ['old', 'new'],
  ] as const)
    if (before in value || after in value) return [value[before], value[after]];
  return undefined;
};

/** Flattens `{values: {A: {before, after}}}` and lists of `{field, before, after}` alike. */
export function changeList(changes: unknown, prefix = ''): Change[] {
  if (Array.isArray(changes))
    return changes.flatMap((one) => {
      const pair = pairOf(one);
      const name = isObject(one) ? String(one.field ?? one.name ?? one.path ?? '') : '';
      return pair ? [{ name, before: pair[0], after: pair[1] }] : [];
    });
  if (!isObject(changes)) return [];
  return Object.entries(changes).flatMap(([key, value]) => {
    const name = prefix ? `${prefix} · ${key}` : key;
    const pair = pairOf(value);
    return pair ? [{ name, before: pair[0], after: pair[1] }] : changeList(value, name);
  });
}

export function Changes({ changes }: { changes: unknown }) {
  const rows = changeList(changes);
  if (rows.length === 0) return null;
  return (
    <Panel title="What changed" flush>
      <Rows
        label="Changes"
        rows={rows}
        rowKey={(row) => row.name}
        columns={[
          { title: 'Field', width: '26%', cell: (row) => row.name },
          {
            title: 'Before',
            width: '37%',
            cell: (row) => <span className="kp-dim">{inline(row.before) || 'empty'}</span>,
          },
          {
            title: 'After',
            cell: (row) => inline(row.after) || <span className="kp-dim">empty</span>,
          },
        ]}
      />
    </Panel>
  );
}
