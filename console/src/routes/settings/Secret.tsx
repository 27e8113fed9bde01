// The secret of a new key, shown this once.
import { Alert, Button, Group, Modal } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { SigningKey } from '../../api/signingKeys';
import { CopyButton } from '../../parts/Copy';

interface Props {
  made: SigningKey | undefined;
  close: () => void;
}

export function Secret({ made, close }: Props) {
  const text = made?.secret ?? made?.publicKey ?? '';
  const once = Boolean(made?.secret);
  return (
    <Modal
      opened={made !== undefined}
      onClose={close}
      title={once ? 'The new secret' : 'The new public key'}
      closeOnClickOutside={!once}
      closeOnEscape={!once}
      withCloseButton={!once}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className="kp-stack">
        {once && (
          <Alert color="yellow" variant="light" icon={<IconAlertTriangle size={16} />}>
            Copy it now: it is not shown again, to nobody.
          </Alert>
        )}
        <pre className="kp-code" aria-label={once ? 'Secret' : 'Public key'}>
          {text}
        </pre>
        <Group justify="space-between">
          <CopyButton label="Copy" words text={() => text} />
          <Button onClick={close}>{once ? 'I have kept it' : 'Close'}</Button>
        </Group>
      </div>
    </Modal>
  );
}
