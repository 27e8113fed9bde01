// The members of a team: add one, remove one.
import { ActionIcon, Button, Group, Select } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { addMember, removeMember, team as teamQuery, users as usersQuery } from '../../api/people';
import type { Team } from '../../api/types';
import { done, failed } from '../../parts/notify';
import { Fault, Waiting } from '../../parts/Page';

export function Members({ slug }: { slug: string }) {
  const { data: team, error, refetch } = useQuery(teamQuery(slug));
  if (error) return <Fault what="This team" error={error} retry={() => void refetch()} />;
  return team ? <MemberList team={team} /> : <Waiting />;
}

function MemberList({ team }: { team: Team }) {
  const { data: users } = useQuery(usersQuery);
  const [chosen, setChosen] = useState<string | null>(null);
  const client = useQueryClient();
  const members = (team.memberships ?? []).map((one) => one.user);
  const refresh = () => {
    void client.invalidateQueries({ queryKey: ['teams'] });
    void client.invalidateQueries({ queryKey: ['users'] });
  };
  const add = useMutation({
    mutationFn: (username: string) => addMember(team.slug, username),
    onSuccess: (_, username) => {
      done(`${username} added to ${team.name}`);
      setChosen(null);
      refresh();
    },
    onError: (error) => failed('Could not add the member', error),
  });
  const drop = useMutation({
    mutationFn: (username: string) => removeMember(team.slug, username),
    onSuccess: (_, username) => {
      done(`${username} removed from ${team.name}`);
      refresh();
    },
    onError: (error) => failed('Could not remove the member', error),
  });
  const names = new Set(members.map((one) => one.username));
  const others = (users ?? []).filter((one) => !names.has(one.username));
  return (
    <div className="kp-stack">
      {team.description && <p className="kp-dim">{team.description}</p>}
      <Group align="flex-end" gap="xs">
        <Select
          label="Add somebody"
          placeholder="Choose a user"
          searchable
          style={{ flex: 1 }}
          data={others.map((one) => ({
            value: one.username,
            label: one.displayName ? `${one.displayName} (${one.username})` : one.username,
          }))}
          value={chosen}
          onChange={setChosen}
        />
        <Button
          size="sm"
          disabled={!chosen}
          loading={add.isPending}
          onClick={() => chosen && add.mutate(chosen)}
        >
          Add
        </Button>
      </Group>
      {members.length === 0 && <p className="kp-dim">Nobody belongs to it yet.</p>}
      <ul style={{ listStyle: 'none', margin: 0, padding: 0 }} aria-label="Members">
        {members.map((one) => (
          <li
            key={one.username}
            style={{
              display: 'flex',
              alignItems: 'center',
              padding: '8px 0',
              borderBottom: '1px solid var(--kp-line-soft)',
            }}
          >
            <span style={{ flex: 1 }}>
              {one.displayName || one.username}{' '}
              {one.displayName && <span className="kp-dim">{one.username}</span>}
            </span>
            <ActionIcon
              aria-label={`Remove ${one.username}`}
              loading={drop.isPending && drop.variables === one.username}
              onClick={() => drop.mutate(one.username)}
            >
              <IconX size={15} />
            </ActionIcon>
          </li>
        ))}
      </ul>
    </div>
  );
}
