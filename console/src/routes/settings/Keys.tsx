// Signing keys: made, shown once, retired with an overlap, revoked.
import { Button, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronDown, IconKey, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  actOnKey,
  createKey,
  signingKeys,
  type KeyAction,
  type SigningKey,
} from '../../api/signingKeys';
import type { State } from '../../logic/states';
import { Confirm } from '../../parts/Confirm';
import { CopyButton, ShortId } from '../../parts/Copy';
import { done, failed } from '../../parts/notify';
import { Empty, Fault, Panel } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { When } from '../../parts/When';
import { Secret } from './Secret';

const KINDS: Record<string, string> = {
  v1: 'Shared secret (v1)',
  v1a: 'Key pair (v1a)',
};

const STATES: Record<string, State> = {
  active: { word: 'Signs', tone: 'good' },
  retiring: { word: 'Retiring', tone: 'wait' },
  revoked: { word: 'Revoked', tone: 'off' },
};

export function Keys() {
  const { data, error, refetch } = useQuery(signingKeys);
  const [made, setMade] = useState<SigningKey>();
  if (error) return <Fault what="Signing keys" error={error} retry={() => void refetch()} />;
  return (
    <Panel
      title="Signing keys"
      label="Signing keys"
      actions={<New made={setMade} />}
      flush={data?.length !== 0}
    >
      {data?.length === 0 ? (
        <Empty icon={IconKey} title="There is no key yet">
          With a key, every delivery carries a signature after the Standard Webhooks specification,
          so that a receiver knows it comes from here and was not changed on the way.
        </Empty>
      ) : (
        <Rows
          label="Signing keys"
          columns={COLUMNS}
          rows={data}
          rowKey={(key) => key.id}
          loadingRows={2}
        />
      )}
      <Secret made={made} close={() => setMade(undefined)} />
    </Panel>
  );
}

function New({ made }: { made: (key: SigningKey) => void }) {
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: createKey,
    onSuccess: made,
    onError: (error) => failed('No key was made', error),
    onSettled: () => void client.invalidateQueries({ queryKey: signingKeys.queryKey }),
  });
  return (
    <Menu position="bottom-end" width={320} withinPortal>
      <Menu.Target>
        <Button
          leftSection={<IconPlus size={14} />}
          rightSection={<IconChevronDown size={14} />}
          loading={make.isPending}
        >
          New key
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => make.mutate('v1')}>
          {KINDS.v1}
          <div className="kp-under" style={{ whiteSpace: 'normal' }}>
            Both sides know it. Every Standard Webhooks library takes it.
          </div>
        </Menu.Item>
        <Menu.Item onClick={() => make.mutate('v1a')}>
          {KINDS.v1a}
          <div className="kp-under" style={{ whiteSpace: 'normal' }}>
            Receivers know the public half only, published at /app/api/v1/webhook-keys.
          </div>
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const COLUMNS: Column<SigningKey>[] = [
  { title: 'State', width: 120, cell: (key) => <Status of={STATES[key.state] ?? key.state} /> },
  { title: 'Kind', width: 170, cell: (key) => KINDS[key.kind] ?? key.kind },
  {
    title: 'Public key',
    clip: true,
    cell: (key) =>
      key.publicKey ? (
        <>
          <CopyButton label="Copy the public key" text={() => key.publicKey ?? ''} />{' '}
          <span className="kp-mono">{key.publicKey}</span>
        </>
      ) : (
        <span className="kp-dim">Kept secret</span>
      ),
  },
  { title: 'Id', width: 120, cell: (key) => <ShortId id={key.id} label="key id" /> },
  { title: 'Made', width: 100, cell: (key) => <When at={key.createdAt} /> },
  {
    title: 'Until',
    width: 100,
    cell: (key) =>
      key.retiresAt ? <When at={key.retiresAt} /> : <span className="kp-dim">–</span>,
  },
  { title: '', width: 190, align: 'right', cell: (key) => <KeyActions of={key} /> },
];

function KeyActions({ of: key }: { of: SigningKey }) {
  const [asking, ask] = useDisclosure(false);
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: (action: KeyAction) => actOnKey(key.id, action),
    onSuccess: (_, { action }) =>
      done(action === 'retire' ? 'It signs for another day, then stops' : 'The key is revoked'),
    onError: (error) => failed('The key was not changed', error),
    onSettled: () => void client.invalidateQueries({ queryKey: signingKeys.queryKey }),
  });
  if (key.state === 'revoked') return null;
  return (
    <>
      {key.state === 'active' && (
        <Button
          size="compact-xs"
          variant="default"
          loading={act.isPending}
          onClick={() => act.mutate({ action: 'retire' })}
        >
          Retire
        </Button>
      )}{' '}
      <Button size="compact-xs" variant="default" color="red" onClick={ask.open}>
        Revoke
      </Button>
      <Confirm
        opened={asking}
        title="Revoke this signing key?"
        action="Revoke the key"
        busy={act.isPending}
        confirm={() => act.mutate({ action: 'revoke' }, { onSettled: ask.close })}
        close={ask.close}
      >
        It stops signing at once. Receivers that know only this key will refuse deliveries. To
        change keys without a gap, make a new one, give it to the receivers, then retire this one.
      </Confirm>
    </>
  );
}
