// Sign-in: name and password, then back to where the person wanted to go.
import { Alert, Button, PasswordInput, TextInput } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { ApiError } from '../../api/http';
import { me, signIn } from '../../api/session';
import { Logo } from '../../frame/Logo';
import { words } from '../../parts/notify';
import classes from './SignIn.module.css';

const route = getRouteApi('/console/sign-in');

/** Only addresses of the console itself: a link must not lead elsewhere after signing in. */
export const safe = (to: string | undefined): string =>
  to && /^\/console(?![^/?#])/.test(to) && !to.startsWith('/console/sign-in') ? to : '/console';

export function SignIn() {
  useDocumentTitle('Sign in · Kapok');
  const { to } = route.useSearch();
  const router = useRouter();
  const client = useQueryClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const enter = useMutation({
    mutationFn: () => signIn(username.trim(), password),
    onSuccess: async () => {
      client.clear();
      await client.fetchQuery(me);
      await router.navigate({ href: safe(to) });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!enter.isPending) enter.mutate();
  };
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <div className={classes.brand}>
          <Logo size={40} />
          <h1>Sign in to Kapok</h1>
        </div>
        <form onSubmit={submit} className={classes.form}>
          {enter.isError && (
            <Alert color="red" variant="light" role="alert" p="xs">
              {reason(enter.error)}
            </Alert>
          )}
          <TextInput
            label="Username"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            withAsterisk={false}
            autoFocus
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            name="password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
          />
          <Button type="submit" size="sm" fullWidth loading={enter.isPending}>
            Sign in
          </Button>
        </form>
        <p className={classes.hint}>
          The first administrator&rsquo;s password was printed when the server started for the first
          time.
        </p>
      </div>
    </main>
  );
}

function reason(error: unknown): string {
  if (error instanceof ApiError && error.status === 401)
    return 'That username and password do not match. Check both and try again.';
  return words(error);
}
