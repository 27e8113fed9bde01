// Creating a user, or changing one.
import { Alert, Button, Group, PasswordInput, Switch, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { createUser, updateUser } from '../../api/people';
import type { User } from '../../api/types';
import { done, words } from '../../parts/notify';

export function UserForm({ user, close }: { user: User | undefined; close: () => void }) {
  const [fields, setFields] = useState({
    username: user?.username ?? '',
    displayName: user?.displayName ?? '',
    email: user?.email ?? '',
    enabled: user?.enabled ?? true,
    spaceAdmin: user?.spaceAdmin ?? false,
    password: '',
  });
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => {
      const { password, ...rest } = fields;
      const body = { ...rest, ...(password && { password }) };
      return user ? updateUser(user.username, body) : createUser(body);
    },
    onSuccess: (saved) => {
      done(`${saved.username} saved`);
      void client.invalidateQueries({ queryKey: ['users'] });
      close();
    },
  });
  const set = (change: Partial<typeof fields>) => {
    save.reset();
    setFields((now) => ({ ...now, ...change }));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit} autoComplete="off">
      <div className="kp-stack">
        <TextInput
          label="Username"
          required
          data-autofocus
          spellCheck={false}
          value={fields.username}
          onChange={(event) => set({ username: event.currentTarget.value })}
        />
        <TextInput
          label="Name"
          value={fields.displayName}
          onChange={(event) => set({ displayName: event.currentTarget.value })}
        />
        <TextInput
          label="Address"
          type="email"
          value={fields.email}
          onChange={(event) => set({ email: event.currentTarget.value })}
        />
        <PasswordInput
          label="Password"
          description={user ? 'Leave it empty to keep the present one.' : undefined}
          autoComplete="new-password"
          value={fields.password}
          onChange={(event) => set({ password: event.currentTarget.value })}
        />
        <Switch
          label="May sign in"
          description="A user who is switched off keeps everything but cannot sign in."
          checked={fields.enabled}
          onChange={(event) => set({ enabled: event.currentTarget.checked })}
        />
        <Switch
          label="Administrator of the space"
          checked={fields.spaceAdmin}
          onChange={(event) => set({ spaceAdmin: event.currentTarget.checked })}
        />
        {save.isError && (
          <Alert color="red" variant="light" title="It was not saved" role="alert">
            <span style={{ whiteSpace: 'pre-wrap' }}>{words(save.error)}</span>
          </Alert>
        )}
        <Group>
          <Button type="submit" size="sm" loading={save.isPending}>
            {user ? 'Save' : 'Create user'}
          </Button>
          <Button variant="default" size="sm" onClick={close}>
            Cancel
          </Button>
        </Group>
      </div>
    </form>
  );
}
