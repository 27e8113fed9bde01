// The secret that signs the calls of a handler, shown this once.
import { Alert, Button, Group, Modal } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { CopyButton } from '../../parts/Copy';

export function HandlerSecret({ secret, close }: { secret?: string; close: () => void }) {
  return (
    <Modal
      opened={secret !== undefined}
      onClose={close}
      title="The secret of its calls"
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      <div className="kp-stack">
        <Alert color="yellow" variant="light" icon={<IconAlertTriangle size={16} />}>
          Copy it now: it is not shown again, to nobody. Calls of the handler are signed with it,
          and so are completions of what it deferred.
        </Alert>
        <pre className="kp-code" aria-label="Secret">
          {secret}
        </pre>
        <Group justify="space-between">
          <CopyButton label="Copy" words text={() => secret ?? ''} />
          <Button onClick={close}>I have kept it</Button>
        </Group>
      </div>
    </Modal>
  );
}
