// Settings of the space: how it delivers, who is told, what signs, how long history stays.
import { Tabs } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Head } from '../../parts/Page';
import { DeliverySettings } from './DeliverySettings';
import { Keys } from './Keys';
import { NoticeSettings } from './NoticeSettings';
import { RetentionSettings } from './RetentionSettings';

const route = getRouteApi('/frame/console/settings');

const TABS = {
  delivery: DeliverySettings,
  notices: NoticeSettings,
  keys: Keys,
  retention: RetentionSettings,
};
type Tab = keyof typeof TABS;

export function Settings() {
  const { tab } = route.useSearch();
  const navigate = useNavigate({ from: '/console/settings' });
  const shown: Tab = tab && tab in TABS ? (tab as Tab) : 'delivery';
  const Content = TABS[shown];
  return (
    <>
      <Head
        title="Settings"
        lead="What holds for the whole space: delivery, notices, signatures and history."
      />
      <Tabs
        value={shown}
        onChange={(next) =>
          void navigate({ search: { tab: next === 'delivery' ? undefined : (next ?? undefined) } })
        }
        mb="md"
      >
        <Tabs.List>
          <Tabs.Tab value="delivery">Delivery</Tabs.Tab>
          <Tabs.Tab value="notices">Notices</Tabs.Tab>
          <Tabs.Tab value="keys">Signing keys</Tabs.Tab>
          <Tabs.Tab value="retention">Retention</Tabs.Tab>
        </Tabs.List>
      </Tabs>
      <Content />
    </>
  );
}
