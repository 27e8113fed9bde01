// What stands around a list: the banner of new rows above, more rows below.
import { Button } from '@mantine/core';
import { IconArrowUp } from '@tabler/icons-react';

export function NewRows({ count, show }: { count: number; show: () => void }) {
  return (
    <div aria-live="polite">
      {count > 0 && (
        <button type="button" className="kp-banner" onClick={show}>
          <IconArrowUp size={14} aria-hidden />
          {count >= 50 ? '50 or more' : count} new
        </button>
      )}
    </div>
  );
}

interface MoreProps {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}

export function More({ list }: MoreProps) {
  if (!list.hasNextPage) return null;
  return (
    <Button
      mt="sm"
      variant="default"
      loading={list.isFetchingNextPage}
      onClick={() => void list.fetchNextPage()}
    >
      Show more
    </Button>
  );
}
