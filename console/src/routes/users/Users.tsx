// Users: who may sign in, and as what.
import { Button, Drawer } from '@mantine/core';
import { IconPlus, IconUser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { users as usersQuery } from '../../api/people';
import type { User } from '../../api/types';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows, type Column } from '../../parts/Rows';
import { SearchBox } from '../../parts/SearchBox';
import { Status } from '../../parts/Status';
import { When } from '../../parts/When';
import { UserForm } from './UserForm';

const route = getRouteApi('/frame/console/users');

/** The value of `user` in the address that means a new one. */
const NEW = '+';

export function Users() {
  const { q = '', user } = route.useSearch();
  const navigate = useNavigate({ from: '/console/users' });
  const { data, error, refetch } = useQuery(usersQuery);
  const wanted = q.toLowerCase();
  const shown = data?.filter((one) =>
    `${one.username} ${one.displayName ?? ''} ${one.email ?? ''}`.toLowerCase().includes(wanted),
  );
  const edited = data?.find((one) => one.username === user);
  const open = (next: string | undefined) =>
    void navigate({ search: { q: q || undefined, user: next }, replace: true });
  return (
    <>
      <Head
        title="Users"
        lead="Everybody who may sign in. Creating, changing and disabling a user are events that webhooks can hear."
        actions={
          <Button leftSection={<IconPlus size={14} />} onClick={() => open(NEW)}>
            New user
          </Button>
        }
      />
      <div className="kp-toolbar">
        <SearchBox
          label="Search users"
          placeholder="Search by name or address"
          width={260}
          value={q}
          change={(next) => void navigate({ search: { q: next }, replace: true })}
        />
      </div>
      {error && <Fault what="Users" error={error} retry={() => void refetch()} />}
      {shown?.length === 0 ? (
        <Empty icon={IconUser} title="Nobody matches">
          Search for part of a username, name or address.
        </Empty>
      ) : (
        !error && (
          <Rows
            label="Users"
            rows={shown}
            rowKey={(one) => one.username}
            open={(one) => open(one.username)}
            columns={columns(open)}
          />
        )
      )}
      <Drawer
        opened={user === NEW || edited !== undefined}
        onClose={() => open(undefined)}
        position="right"
        title={edited ? edited.displayName || edited.username : 'New user'}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <UserForm key={user} user={edited} close={() => open(undefined)} />
      </Drawer>
    </>
  );
}

const columns = (open: (username: string) => void): Column<User>[] => [
  {
    title: 'User',
    width: '24%',
    cell: (one) => (
      <button
        type="button"
        className="kp-id kp-strong"
        style={{ font: 'inherit', color: 'var(--mantine-color-anchor)', cursor: 'pointer' }}
        onClick={() => open(one.username)}
      >
        {one.username}
      </button>
    ),
  },
  { title: 'Name', cell: (one) => one.displayName || <span className="kp-dim">–</span> },
  { title: 'Address', clip: true, cell: (one) => one.email || <span className="kp-dim">–</span> },
  { title: 'Role', width: 120, cell: (one) => (one.spaceAdmin ? 'Administrator' : 'User') },
  {
    title: 'State',
    width: 110,
    cell: (one) => <Status of={one.enabled === false ? 'Disabled' : 'Active'} />,
  },
  { title: 'Changed', width: 110, cell: (one) => <When at={one.updatedAt ?? one.createdAt} /> },
];
