import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import { CssBaseline, ThemeProvider } from '@mui/material';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { makeQueryClient } from '~/api/queries';
import { App } from '~/App';
import { SessionProvider } from '~/session/session';
import { NONCE } from '~/shell/nonce';
import { theme } from '~/shell/theme';

const styles = createCache({ key: 'bg', nonce: NONCE, prepend: true });
const queries = makeQueryClient();

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
    <StrictMode>
        <CacheProvider value={styles}>
            <ThemeProvider theme={theme} defaultMode="system">
                <CssBaseline enableColorScheme />
                <QueryClientProvider client={queries}>
                    <SessionProvider>
                        <App />
                    </SessionProvider>
                </QueryClientProvider>
            </ThemeProvider>
        </CacheProvider>
    </StrictMode>,
);
