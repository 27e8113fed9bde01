// How the console is built, tested and, while developing, proxied to a running server.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

declare const process: { env: Record<string, string | undefined> };
const server = process.env.KAPOK_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: { outDir: 'dist', chunkSizeWarningLimit: 700 },
  server: {
    proxy: { '/app': { target: server } },
  },
  test: {
    // A document costs seconds a file; the files that need one say so in their first line.
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
    css: false,
  },
});
