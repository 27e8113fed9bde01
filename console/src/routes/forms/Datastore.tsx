// The datastore: forms of the space whose submissions are reference data.
import { IconDatabase } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { forms } from '../../api/forms';
import { Empty, Fault, Head } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { To } from '../../parts/To';
import { formColumns } from './Kapps';

export function Datastore() {
  const { data, error, refetch } = useQuery(forms(null));
  const navigate = useNavigate();
  return (
    <>
      <Head
        title="Datastore"
        lead="Reference data that other forms and workflows read: locations, assets, suppliers. It has webhooks and trees of its own."
      />
      {error && <Fault what="Datastore forms" error={error} retry={() => void refetch()} />}
      {data?.length === 0 && (
        <Empty icon={IconDatabase} title="The datastore is empty">
          Create a datastore form through the API with a POST to{' '}
          <code>/app/api/v1/datastore/forms</code>.
        </Empty>
      )}
      {!error && data?.length !== 0 && (
        <Rows
          label="Datastore forms"
          loadingRows={3}
          rows={data}
          rowKey={(form) => form.slug}
          open={(form) =>
            void navigate({ to: '/console/datastore/forms/$form', params: { form: form.slug } })
          }
          columns={formColumns((form) => (
            <To to="/console/datastore/forms/$form" params={{ form: form.slug }} strong>
              {form.name}
            </To>
          ))}
        />
      )}
    </>
  );
}
