// The rail: the space, search, where one can go, and who one is.
import { ActionIcon, Menu, Tooltip, VisuallyHidden, useMantineColorScheme } from '@mantine/core';
import {
  IconActivity,
  IconAlertHexagon,
  IconBinaryTree,
  IconChecklist,
  IconDatabase,
  IconDeviceDesktop,
  IconForms,
  IconHome,
  IconLifebuoy,
  IconLogout,
  IconMoon,
  IconPlayerPlay,
  IconPlugConnected,
  IconPuzzle,
  IconRoute,
  IconSearch,
  IconSend,
  IconSettings,
  IconSun,
  IconUser,
  IconUserCircle,
  IconUsersGroup,
  IconWebhook,
  IconZoomCode,
  type Icon,
} from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { approvalCount } from '../api/approvals';
import { dashboard } from '../api/dashboard';
import { me, signOut, space } from '../api/session';
import { failed } from '../parts/notify';
import type { LiveState } from '../live/useLive';
import { Logo } from './Logo';

interface Props {
  open: boolean;
  live: LiveState;
  search: () => void;
}

export function Rail({ open, live, search }: Props) {
  const { data: home } = useQuery(space);
  const { data: person } = useQuery(me);
  const admin = person?.spaceAdmin === true;
  const { data: figures } = useQuery({ ...dashboard(), enabled: admin });
  const { data: approvals } = useQuery(approvalCount);
  return (
    <nav className="kp-rail" data-open={open} aria-label="Main">
      <Link to="/console" className="kp-space">
        <Logo />
        <span className="kp-clip">{home?.name ?? 'Kapok'}</span>
      </Link>
      <button type="button" className="kp-search" onClick={search}>
        <IconSearch size={14} aria-hidden />
        Find anything
        <kbd>Ctrl K</kbd>
      </button>
      <Item to="/console" icon={IconHome} exact>
        Home
      </Item>
      {admin && (
        <>
          <Item to="/console/activity" icon={IconActivity}>
            Activity
          </Item>
          <Group>Delivery</Group>
          <Item to="/console/webhooks" icon={IconWebhook}>
            Webhooks
          </Item>
          <Item
            to="/console/jobs"
            icon={IconSend}
            count={figures?.jobs.failed}
            what="failed in the last hour"
          >
            Jobs
          </Item>
          <Item to="/console/lanes" icon={IconRoute}>
            Lanes
          </Item>
          <Item to="/console/recoveries" icon={IconLifebuoy}>
            Recovery
          </Item>
          <Item to="/console/inspectors" icon={IconZoomCode}>
            Inspectors
          </Item>
          <Group>Workflows</Group>
          <Item to="/console/trees" icon={IconBinaryTree}>
            Trees
          </Item>
          <Item to="/console/runs" icon={IconPlayerPlay}>
            Runs
          </Item>
          <Item
            to="/console/errors"
            icon={IconAlertHexagon}
            count={figures?.openErrors}
            what="open"
          >
            Errors
          </Item>
        </>
      )}
      {!admin && <Group>Workflows</Group>}
      <Item
        to="/console/approvals"
        icon={IconChecklist}
        count={approvals}
        what="waiting for you"
        calm
      >
        Approvals
      </Item>
      {admin && (
        <>
          <Item to="/console/handlers" icon={IconPuzzle}>
            Handlers
          </Item>
          <Item to="/console/connections" icon={IconPlugConnected}>
            Connections
          </Item>
        </>
      )}
      <Group>Build</Group>
      <Item to="/console/kapps" icon={IconForms}>
        Kapps and forms
      </Item>
      <Item to="/console/datastore" icon={IconDatabase}>
        Datastore
      </Item>
      {admin && (
        <>
          <Group>People</Group>
          <Item to="/console/users" icon={IconUser}>
            Users
          </Item>
          <Item to="/console/teams" icon={IconUsersGroup}>
            Teams
          </Item>
          <Item to="/console/settings" icon={IconSettings}>
            Settings
          </Item>
        </>
      )}
      <div className="kp-foot">
        <UserMenu />
        <Live state={live} />
        <Scheme />
      </div>
    </nav>
  );
}

function Group({ children }: { children: ReactNode }) {
  return <div className="kp-group">{children}</div>;
}

interface ItemProps {
  to: LinkProps['to'];
  icon: Icon;
  children: string;
  count?: number;
  what?: string;
  calm?: boolean;
  exact?: boolean;
}

function Item({ to, icon: Sign, children, count, what, calm, exact }: ItemProps) {
  return (
    <Link to={to} className="kp-nav" activeOptions={{ exact, includeSearch: false }}>
      <Sign size={16} stroke={1.7} aria-hidden />
      {children}
      {count ? (
        <span className="kp-count" data-tone={calm ? undefined : 'bad'} title={`${count} ${what}`}>
          {count > 999 ? '999+' : count}
          <VisuallyHidden> {what}</VisuallyHidden>
        </span>
      ) : null}
    </Link>
  );
}

function Live({ state }: { state: LiveState }) {
  const text = {
    live: 'Live: this page updates by itself',
    connecting: 'Connecting to live updates…',
    off: 'Live updates are off: reload the page to see what is new',
  }[state];
  const colour = { live: 'var(--kp-good)', connecting: 'var(--kp-warn)', off: 'var(--kp-bad)' };
  return (
    <Tooltip label={text}>
      <span role="status" aria-label={text} style={{ display: 'inline-flex', padding: 6 }}>
        <svg width="9" height="9" aria-hidden>
          {state === 'live' ? (
            <circle cx="4.5" cy="4.5" r="4" fill={colour[state]} />
          ) : (
            <circle
              cx="4.5"
              cy="4.5"
              r="3.2"
              fill="none"
              strokeWidth="1.6"
              stroke={colour[state]}
            />
          )}
        </svg>
      </span>
    </Tooltip>
  );
}

const SCHEMES = {
  auto: { icon: IconDeviceDesktop, next: 'light', word: 'as the system' },
  light: { icon: IconSun, next: 'dark', word: 'light' },
  dark: { icon: IconMoon, next: 'auto', word: 'dark' },
} as const;

function Scheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { icon: Sign, next, word } = SCHEMES[colorScheme];
  const label = `Theme: ${word}. Switch to ${SCHEMES[next].word}`;
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} onClick={() => setColorScheme(next)}>
        <Sign size={16} stroke={1.7} />
      </ActionIcon>
    </Tooltip>
  );
}

function UserMenu() {
  const { data } = useQuery(me);
  const navigate = useNavigate();
  const client = useQueryClient();
  const leave = async () => {
    try {
      await signOut();
    } catch (error) {
      failed('Could not sign out', error);
      return;
    }
    await navigate({ to: '/console/sign-in' });
    client.clear();
  };
  return (
    <Menu position="top-start" width={220} withinPortal>
      <Menu.Target>
        <button type="button" className="kp-user" aria-label="Your account">
          <IconUserCircle size={18} stroke={1.6} aria-hidden style={{ flex: 'none' }} />
          <span className="kp-clip">{data?.displayName || data?.username}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {data?.username}
          {data?.spaceAdmin ? ' · administrator' : ''}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
