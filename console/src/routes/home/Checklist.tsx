// The first steps on a new space: each does something instead of describing it.
import { useQueries, useQuery } from '@tanstack/react-query';
import { forms, kapps } from '../../api/forms';
import { trees } from '../../api/trees';
import { webhooks } from '../../api/webhooks';
import { LinkButton } from '../../parts/Button';
import { Panel } from '../../parts/Page';
import { ToneIcon } from '../../parts/Status';

export function Checklist() {
  const slugs = (useQuery(kapps).data ?? []).map((kapp) => kapp.slug);
  const scopes = [null, ...slugs];
  const hookLists = useQueries({ queries: scopes.map((scope) => webhooks(scope)) });
  const formLists = useQueries({ queries: slugs.map((slug) => forms(slug)) });
  const treeCount = useQuery(trees).data?.length ?? 0;
  const first = formLists.flatMap((list, index) =>
    (list.data ?? []).map((form) => ({ kapp: slugs[index]!, form: form.slug })),
  )[0];
  const hasHooks = hookLists.some((list) => (list.data?.length ?? 0) > 0);
  return (
    <Panel title="Get started">
      <ol style={{ listStyle: 'none', margin: 0, padding: 0, display: 'grid', gap: 12 }}>
        <Step done={hasHooks} text="Create the conventional webhooks, one for each kind of event">
          <LinkButton variant="default" size="compact-sm" to="/console/webhooks">
            Open webhooks
          </LinkButton>
        </Step>
        <Step done={treeCount > 0} text="Give an event a workflow to start">
          <LinkButton variant="default" size="compact-sm" to="/console/trees">
            Open trees
          </LinkButton>
        </Step>
        <Step done={false} text="Fill in a form and follow what happens">
          {first ? (
            <LinkButton
              size="compact-sm"
              to="/console/kapps/$kapp/forms/$form"
              params={{ kapp: first.kapp, form: first.form }}
            >
              Fill in a form
            </LinkButton>
          ) : (
            <LinkButton variant="default" size="compact-sm" to="/console/kapps">
              Open forms
            </LinkButton>
          )}
        </Step>
      </ol>
    </Panel>
  );
}

interface StepProps {
  done: boolean;
  text: string;
  children: React.ReactNode;
}

function Step({ done, text, children }: StepProps) {
  return (
    <li style={{ display: 'flex', gap: 10, alignItems: 'center', fontSize: 13.5 }}>
      <span className="kp-status" data-tone={done ? 'good' : 'idle'}>
        <ToneIcon tone={done ? 'good' : 'idle'} size={18} />
      </span>
      <span style={{ flex: 1 }}>
        {text}
        {done && <span className="kp-dim"> · done</span>}
      </span>
      {!done && children}
    </li>
  );
}
