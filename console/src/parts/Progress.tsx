// How far a long piece of work is: done, skipped and failed as shares of the whole.
interface Props {
  label: string;
  total: number;
  parts: { kind: 'done' | 'skipped' | 'failed'; count: number }[];
}

export function Progress({ label, total, parts }: Props) {
  const sum = parts.reduce((all, part) => all + part.count, 0);
  const whole = Math.max(total, sum, 1);
  return (
    <div
      className="kp-progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={whole}
      aria-valuenow={sum}
    >
      {parts
        .filter((part) => part.count > 0)
        .map((part) => (
          <span
            key={part.kind}
            data-kind={part.kind}
            style={{ width: `${(part.count / whole) * 100}%` }}
          />
        ))}
    </div>
  );
}
