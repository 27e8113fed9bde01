// What stands in the main column when a page is on its way, broke, or does not exist.
import { Anchor, Button } from '@mantine/core';
import { IconMapOff } from '@tabler/icons-react';
import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import { Empty, Fault, Waiting } from '../parts/Page';

export function PageWaiting() {
  return (
    <div style={{ maxWidth: 720 }}>
      <Waiting rows={6} />
    </div>
  );
}

export function PageFault({ error, reset }: ErrorComponentProps) {
  return <Fault what="This page" error={error} retry={reset} />;
}

export function Lost() {
  return (
    <main style={{ padding: 32 }}>
      <Empty
        icon={IconMapOff}
        title="There is no page at this address"
        action={
          <Button component={Link} to="/console">
            Go to Home
          </Button>
        }
      >
        The link may be old, or mistyped. Press{' '}
        <Anchor component="span" inherit>
          Ctrl K
        </Anchor>{' '}
        to find things by name, number or handle.
      </Empty>
    </main>
  );
}
