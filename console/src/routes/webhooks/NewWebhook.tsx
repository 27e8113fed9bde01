// A new webhook.
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { create } from '../../api/webhooks';
import { Head } from '../../parts/Page';
import { To } from '../../parts/To';
import { Editor } from './Editor';

const route = getRouteApi('/frame/console/webhooks/new');

export function NewWebhook() {
  const { kapp, type, event, url } = route.useSearch();
  const navigate = useNavigate();
  return (
    <>
      <Head
        title="New webhook"
        lead="Say what to listen for, where to go, and on what condition. The verdict beside it shows at once what it would do."
        crumbs={[<To to="/console/webhooks">Webhooks</To>, 'New']}
      />
      <Editor
        initial={{ scope: kapp ?? null, type, event, url }}
        save={(scope, body) => create(scope, body)}
        saved={() => void navigate({ to: '/console/webhooks' })}
      />
    </>
  );
}
