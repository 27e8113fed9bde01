// Where a webhook leads: a workflow, the conventional one proposed first, or a URL.
import { SegmentedControl, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { trees as treesQuery } from '../../api/trees';
import { conventional, readable, target, treeUrl, type TreePath } from '../../logic/target';
import type { Fields } from './Editor';

interface Props {
  fields: Fields;
  set: (change: Partial<Fields>) => void;
}

const isTree = (url: string) => url === '' || target(url).kind !== 'url';

export function TargetPicker({ fields, set }: Props) {
  const [kind, setKind] = useState<'tree' | 'url'>(isTree(fields.url) ? 'tree' : 'url');
  const shown = isTree(fields.url) && fields.url !== '' ? 'tree' : kind;
  const choose = (next: string) => {
    setKind(next as 'tree' | 'url');
    set({ url: next === 'tree' ? treeUrl(conventional(fields.type, fields.event)) : '' });
  };
  return (
    <div className="kp-stack" style={{ gap: 12 }}>
      <SegmentedControl
        size="xs"
        aria-label="Target"
        style={{ alignSelf: 'flex-start' }}
        value={shown}
        onChange={choose}
        data={[
          { value: 'tree', label: 'Start a workflow' },
          { value: 'url', label: 'Call a URL' },
        ]}
      />
      {shown === 'tree' ? (
        <TreeSelect fields={fields} set={set} />
      ) : (
        <TextInput
          label="URL"
          description="The event is sent there as a POST with a JSON body. ${…} parts are filled in."
          placeholder="https://example.com/hooks/kapok"
          type="text"
          inputMode="url"
          spellCheck={false}
          required
          withAsterisk={false}
          value={fields.url}
          onChange={(event) => set({ url: event.currentTarget.value })}
        />
      )}
    </div>
  );
}

const label = (path: TreePath) => [path.group, path.name].map(readable).join(' :: ');

function TreeSelect({ fields, set }: Props) {
  const { data } = useQuery(treesQuery);
  const proposal = conventional(fields.type, fields.event);
  const proposed = { value: treeUrl(proposal), label: label(proposal) };
  const existing = (data ?? [])
    .filter((tree) => tree.sourceName && tree.sourceGroup && (tree.type ?? 'Tree') === 'Tree')
    .map((tree) => {
      const path = { source: tree.sourceName!, group: tree.sourceGroup!, name: tree.name };
      return { value: treeUrl(path), label: `${path.source} :: ${path.group} :: ${path.name}` };
    })
    .filter((choice) => choice.value !== proposed.value);
  const known = [proposed, ...existing].some((choice) => choice.value === fields.url);
  const groups = [
    { group: 'By convention', items: [proposed] },
    ...(existing.length ? [{ group: 'Existing trees', items: existing }] : []),
    ...(known
      ? []
      : [{ group: 'As it is', items: [{ value: fields.url, label: target(fields.url).title }] }]),
  ];
  return (
    <Select
      label="Tree"
      description="Parts in brackets are filled in from the event, so one webhook serves every form."
      searchable
      allowDeselect={false}
      maxDropdownHeight={320}
      data={groups}
      value={fields.url}
      onChange={(url) => url && set({ url })}
    />
  );
}
