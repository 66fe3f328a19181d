import { Alert, Box, Button, Paper, Stack, Tab, Tabs, TextField, Typography } from '@mui/material';
import { useEffect, useState } from 'react';

import { messageOf } from '~/components/States';
import { useSession } from '~/session/session';

type Way = 'user' | 'key';

/** Shown in the place of any page while nobody is logged in; afterwards that page is there again. */
export function LoginPage() {
    const { state, logIn } = useSession();
    const [way, setWay] = useState<Way>('user');
    const [name, setName] = useState('');
    const [secret, setSecret] = useState('');
    const [error, setError] = useState<unknown>(null);
    const [isBusy, setIsBusy] = useState(false);
    const hasEnded = state.kind === 'out' && state.hasEnded;

    useEffect(() => {
        document.title = 'Log in – BudgetGuard';
    }, []);

    const submit = () => {
        setIsBusy(true);
        setError(null);
        logIn(way === 'key' ? { adminKey: secret } : { name, password: secret })
            .catch(setError)
            .finally(() => {
                setIsBusy(false);
            });
    };

    return (
        <Box
            component="main"
            sx={{ minHeight: '100vh', display: 'grid', placeItems: 'center', p: 2 }}
        >
            <Paper sx={{ p: 3, width: '100%', maxWidth: 400 }}>
                <form
                    onSubmit={(event) => {
                        event.preventDefault();
                        submit();
                    }}
                >
                    <Stack spacing={2}>
                        <Typography variant="h1">BudgetGuard</Typography>
                        {hasEnded && (
                            <Alert severity="info">
                                Your session has ended. Log in to go on where you were.
                            </Alert>
                        )}
                        <Tabs
                            value={way}
                            onChange={(_event, next: Way) => {
                                setWay(next);
                                setSecret('');
                                setError(null);
                            }}
                            aria-label="How to log in"
                        >
                            <Tab value="user" label="Name and password" />
                            <Tab value="key" label="Admin key" />
                        </Tabs>
                        {way === 'user' && (
                            <TextField
                                label="Name"
                                autoComplete="username"
                                required
                                value={name}
                                onChange={(event) => {
                                    setName(event.target.value);
                                }}
                            />
                        )}
                        <TextField
                            key={way}
                            label={way === 'key' ? 'Admin key' : 'Password'}
                            type="password"
                            autoComplete={way === 'key' ? 'off' : 'current-password'}
                            required
                            value={secret}
                            onChange={(event) => {
                                setSecret(event.target.value);
                            }}
                        />
                        {error !== null && <Alert severity="error">{messageOf(error)}</Alert>}
                        <Button type="submit" variant="contained" aria-busy={isBusy}>
                            Log in
                        </Button>
                    </Stack>
                </form>
            </Paper>
        </Box>
    );
}
