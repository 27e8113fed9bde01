// What purging lets go, in words.
import type { Count, RetentionPreview } from '../api/retention';
import { plural } from './text';

const some = ({ count, isExact }: Count, one: string, many?: string): string | undefined => {
  if (count === 0 && isExact) return undefined;
  return `${isExact ? '' : 'at least '}${plural(count, one, many)}`;
};

const listed = (parts: (string | undefined)[]): string | undefined => {
  const there = parts.filter((part) => part !== undefined);
  if (there.length < 2) return there[0];
  return `${there.slice(0, -1).join(', ')} and ${there.at(-1)!}`;
};

/** "3 events, 2 jobs and at least 20,000 runs go now." */
export function wouldGo(preview: RetentionPreview): string {
  const rows = listed([
    some(preview.events, 'event'),
    some(preview.jobs, 'job'),
    some(preview.runs, 'run'),
  ]);
  const contents = listed([some(preview.eventPayloads, 'event'), some(preview.jobPayloads, 'job')]);
  const sentences = [
    rows && `${rows} would go now.`,
    contents && `The contents of ${contents} would go; the rows stay.`,
  ];
  return sentences.filter(Boolean).join(' ') || 'Nothing would go now.';
}
