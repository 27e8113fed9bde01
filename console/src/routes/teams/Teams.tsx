// Teams: who belongs together. Membership changes are events too.
import { Button, Drawer, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconUsersGroup } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { createTeam, teams as teamsQuery } from '../../api/people';
import type { Team } from '../../api/types';
import { done, failed } from '../../parts/notify';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { When } from '../../parts/When';
import { Members } from './Members';

const route = getRouteApi('/frame/console/teams');

/** The value of `team` in the address that means a new one. */
const NEW = '+';

export function Teams() {
  const { team } = route.useSearch();
  const navigate = useNavigate({ from: '/console/teams' });
  const { data, error, refetch } = useQuery(teamsQuery);
  const open = (next: string | undefined) =>
    void navigate({ search: { team: next }, replace: true });
  const shown = data?.find((one) => one.slug === team);
  return (
    <>
      <Head
        title="Teams"
        lead="People who belong together. Adding somebody to a team is an event that webhooks can hear."
        actions={
          <Button leftSection={<IconPlus size={14} />} onClick={() => open(NEW)}>
            New team
          </Button>
        }
      />
      {error && <Fault what="Teams" error={error} retry={() => void refetch()} />}
      {data?.length === 0 ? (
        <Empty
          icon={IconUsersGroup}
          title="There is no team yet"
          action={<Button onClick={() => open(NEW)}>New team</Button>}
        >
          Names may nest with two colons, such as Role::Employee.
        </Empty>
      ) : (
        !error && (
          <Rows
            label="Teams"
            rows={data}
            rowKey={(one) => one.slug}
            open={(one) => open(one.slug)}
            columns={columns(open)}
          />
        )
      )}
      <Drawer
        opened={team === NEW || shown !== undefined}
        onClose={() => open(undefined)}
        position="right"
        title={shown?.name ?? 'New team'}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {shown ? (
          <Members key={shown.slug} slug={shown.slug} />
        ) : (
          <NewTeam created={(made) => open(made.slug)} />
        )}
      </Drawer>
    </>
  );
}

const columns = (open: (slug: string) => void): Column<Team>[] => [
  {
    title: 'Team',
    width: '26%',
    cell: (one) => (
      <button
        type="button"
        className="kp-id kp-strong"
        style={{ font: 'inherit', color: 'var(--mantine-color-anchor)', cursor: 'pointer' }}
        onClick={() => open(one.slug)}
      >
        {one.name}
      </button>
    ),
  },
  { title: 'What it is for', clip: true, cell: (one) => one.description },
  { title: 'Changed', width: 120, cell: (one) => <When at={one.updatedAt ?? one.createdAt} /> },
];

function NewTeam({ created }: { created: (team: Team) => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: () => createTeam({ name: name.trim(), description: description.trim() }),
    onSuccess: async (team) => {
      done(`Team ${team.name} created`);
      await client.invalidateQueries({ queryKey: ['teams'] });
      created(team);
    },
    onError: (error) => failed('The team was not created', error),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit}>
      <div className="kp-stack">
        <TextInput
          label="Name"
          required
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Textarea
          label="What it is for"
          rows={3}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <Button
          type="submit"
          size="sm"
          loading={make.isPending}
          style={{ alignSelf: 'flex-start' }}
        >
          Create team
        </Button>
      </div>
    </form>
  );
}
