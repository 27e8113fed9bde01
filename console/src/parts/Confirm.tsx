// Asks before something is done that cannot be taken back, and names what that is.
import { Button, Group, Modal, Text } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  opened: boolean;
  title: string;
  children: ReactNode;
  action: string;
  /** What the way out is called. */
  keep?: string;
  /** Whether something goes out instead of going away. */
  calm?: boolean;
  busy?: boolean;
  confirm: () => void;
  close: () => void;
}

export function Confirm(props: Props) {
  const { opened, title, children, action, keep = 'Keep it', calm, busy, confirm, close } = props;
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={title}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Text size="sm" mb="lg" component="div">
        {children}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={close} data-autofocus>
          {keep}
        </Button>
        <Button color={calm ? undefined : 'red'} loading={busy} onClick={confirm}>
          {action}
        </Button>
      </Group>
    </Modal>
  );
}
