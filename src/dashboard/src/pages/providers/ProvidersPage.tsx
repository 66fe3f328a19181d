import { Alert, Button, Stack, TableCell, TableRow, Typography } from '@mui/material';
import { useState } from 'react';

import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { FormDialog } from '~/components/FormDialog';
import { Field } from '~/components/Field';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { Page } from '~/components/Page';
import { Section } from '~/components/Section';
import { Loaded, messageOf } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { formatMs } from '~/format/numbers';
import { useMay } from '~/session/session';

const HEIGHT_PX = 240;
const PROVIDERS = ['openai', 'anthropic', 'google'] as const;
const KEY_LENGTH_MAX = 200;

type Provider = (typeof PROVIDERS)[number];
type Checked = Schemas['CheckBody'];

/** Who answers requests: how they are, and whether a key is good. */
export default function ProvidersPage() {
    const mayTry = useMay('operator');
    const status = api.useQuery('get', '/admin/status', {}, { refetchInterval: LIVE_INTERVAL_MS });
    const [asked, setAsked] = useState<Provider | null>(null);
    const check = api.useQuery('get', '/admin/providers/status', {}, { enabled: false });
    return (
        <Page
            title="Providers"
            about="Keys and addresses of providers, and how requests are sent on, are settings."
            actions={
                <Button
                    variant="outlined"
                    disabled={check.isFetching}
                    onClick={() => void check.refetch()}
                >
                    Ask all of them now
                </Button>
            }
        >
            {check.error !== null && <Alert severity="error">{messageOf(check.error)}</Alert>}
            <Section title="By the last requests">
                <Loaded query={status} height={HEIGHT_PX}>
                    {({ providers }) => (
                        <ListTable
                            label="Providers"
                            heads={[
                                'Provider',
                                'Key',
                                'State',
                                'Last answer',
                                'Last failure',
                                'Asked now',
                                '',
                            ]}
                        >
                            {providers.map((provider) => (
                                <TableRow key={provider.name}>
                                    <TableCell component="th" scope="row">
                                        {provider.name}
                                    </TableCell>
                                    <TableCell>{provider.configured ? 'set' : 'none'}</TableCell>
                                    <TableCell>
                                        <StatusChip status={provider.state} />
                                    </TableCell>
                                    <TableCell>
                                        <Instant at={provider.lastAnswerAt} relative />
                                    </TableCell>
                                    <TableCell>
                                        <Instant at={provider.lastFailureAt} relative />
                                    </TableCell>
                                    <TableCell sx={{ minWidth: 150 }}>
                                        <Outcome check={resultOf(check.data, provider.name)} />
                                    </TableCell>
                                    <TableCell padding="none">
                                        {mayTry && providerOf(provider.name) && (
                                            <Button
                                                size="small"
                                                aria-label={`Try a key of ${provider.name}`}
                                                onClick={() => {
                                                    setAsked(providerOf(provider.name) ?? null);
                                                }}
                                            >
                                                Try a key
                                            </Button>
                                        )}
                                    </TableCell>
                                </TableRow>
                            ))}
                        </ListTable>
                    )}
                </Loaded>
            </Section>
            {asked !== null && (
                <KeyDialog
                    provider={asked}
                    onClose={() => {
                        setAsked(null);
                    }}
                />
            )}
        </Page>
    );
}

function providerOf(name: string): Provider | undefined {
    return PROVIDERS.find((provider) => provider === name);
}

function resultOf(statuses: Schemas['StatusesBody'] | undefined, name: string): Checked | null {
    const provider = providerOf(name);
    return statuses && provider ? statuses.providers[provider] : null;
}

/** What came of asking a provider. */
function Outcome({ check }: { check: Checked | null }) {
    if (check === null) return <>–</>;
    return (
        <Stack spacing={0.5} sx={{ alignItems: 'start' }}>
            <StatusChip status={check.healthy ? 'reachable' : 'failing'} />
            <Typography variant="caption" sx={{ overflowWrap: 'anywhere' }}>
                {check.error ?? formatMs(check.responseTime ?? null)}
            </Typography>
        </Stack>
    );
}

interface KeyDialogProps {
    provider: Provider;
    onClose: () => void;
}

/** Tries a key, which nothing keeps: neither the server nor this page once the dialog is closed. */
function KeyDialog({ provider, onClose }: KeyDialogProps) {
    const [apiKey, setApiKey] = useState('');
    const [result, setResult] = useState<Checked | null>(null);
    const tryKey = api.useMutation('post', '/admin/providers/{provider}/test');
    const submit = async () => {
        setResult(null);
        setResult(await tryKey.mutateAsync({ params: { path: { provider } }, body: { apiKey } }));
    };
    return (
        <FormDialog
            title={`Try a key of ${provider}`}
            action="Try"
            onSubmit={submit}
            onClose={onClose}
            stays
        >
            <Field
                name="apiKey"
                label="Key"
                type="password"
                autoComplete="off"
                required
                value={apiKey}
                onChange={setApiKey}
                helperText="It is used for one question, and not kept."
                slotProps={{ htmlInput: { maxLength: KEY_LENGTH_MAX } }}
            />
            {result !== null && (
                <Alert severity={result.healthy ? 'success' : 'error'} role="status">
                    {result.healthy
                        ? `The key is good: ${provider} answered in ${formatMs(result.responseTime ?? null)}.`
                        : (result.error ?? 'The key is refused.')}
                </Alert>
            )}
        </FormDialog>
    );
}
