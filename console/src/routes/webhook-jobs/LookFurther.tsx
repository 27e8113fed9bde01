// Below the jobs that were found: how far the search looked, and the way to look further back.
import { Button } from '@mantine/core';
import type { Looked } from '../../api/jobs';
import { plural } from '../../logic/text';
import { More } from '../../parts/ListFoot';
import { When } from '../../parts/When';

interface Props {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
  looked: Looked | null | undefined;
}

export function LookFurther({ list, looked }: Props) {
  if (!looked) return <More list={list} />;
  const all = !list.hasNextPage;
  return (
    <div className="kp-further" role="status">
      <span>
        {all ? 'Looked through the whole history' : `Looked through ${plural(looked.rows, 'job')}`}
        {!all && looked.backTo && (
          <>
            , back to <When at={looked.backTo} clocked />
          </>
        )}
        .
      </span>
      {!all && (
        <Button
          variant="default"
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          Look further back
        </Button>
      )}
    </div>
  );
}
