import { Alert, Box, Button, Stack, TableCell, TableRow, Typography } from '@mui/material';
import { useState } from 'react';

import { api, fetchClient, type Schemas } from '~/api/client';
import { CodeEditor } from '~/components/CodeEditor';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { Section } from '~/components/Section';
import { Empty, Loaded, messageOf } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import type { Tenant } from '~/shell/place';

import { Decision } from './Decision';
import { inputOf, type PolicyInput, type RecordedRow } from './inputs';

/** As many of the last requests as are tried. */
const ROWS_MAX = 20;
const HEIGHT_PX = 240;

type TrialBody = Schemas['TrialBody'];

interface TrialProps {
    tenant: Tenant;
    version: number;
}

/** What a version alone says to one input. */
async function tryOne({ tenant, version }: TrialProps, input: PolicyInput): Promise<TrialBody> {
    const { data } = await fetchClient.POST('/admin/tenant/{id}/policy-bundles/{version}/test', {
        params: { path: { id: tenant.id, version } },
        // The document says of it only that it is an object.
        body: { input: input as Schemas['BundleTrial']['input'] },
    });
    if (!data) throw new Error('The server gave no decision');
    return data;
}

/** Tries a version on recorded requests, or on an input that is written by hand. Nothing is changed. */
export function Trial({ tenant, version }: TrialProps) {
    const ledger = api.useQuery('get', '/admin/usage/ledger', {
        params: { query: { tenantId: tenant.id, limit: ROWS_MAX } },
    });
    const keys = api.useQuery('get', '/admin/tenant/{id}/apikeys', {
        params: { path: { id: tenant.id } },
    });
    const names = new Map(keys.data?.map((key) => [key.id, key.name]));
    const [text, setText] = useState<string | null>(null);
    return (
        <Section title={`Try version ${version} on recorded requests`}>
            <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>
                What was held stands for what a request was likely to cost. Figures of budgets are
                not recorded: rules see none.
            </Typography>
            <Loaded
                query={ledger}
                height={HEIGHT_PX}
                isEmpty={({ data }) => data.length === 0}
                empty={<Empty title="The tenant has no recorded request yet" height={HEIGHT_PX} />}
            >
                {({ data }) => (
                    <RecordedTrials
                        tenant={tenant}
                        version={version}
                        rows={data}
                        inputFor={(row) => inputOf(row, tenant, names)}
                        onEdit={(row) => {
                            setText(JSON.stringify(inputOf(row, tenant, names), null, 2));
                        }}
                    />
                )}
            </Loaded>
            {text === null ? (
                <Button
                    sx={{ mt: 1 }}
                    onClick={() => {
                        setText('{\n  \n}');
                    }}
                >
                    Write an input
                </Button>
            ) : (
                <WrittenTrial tenant={tenant} version={version} text={text} onChange={setText} />
            )}
        </Section>
    );
}

interface RecordedTrialsProps extends TrialProps {
    rows: RecordedRow[];
    inputFor: (row: RecordedRow) => PolicyInput;
    onEdit: (row: RecordedRow) => void;
}

function RecordedTrials({ tenant, version, rows, inputFor, onEdit }: RecordedTrialsProps) {
    const [results, setResults] = useState<ReadonlyMap<string, TrialBody>>(new Map());
    const [isBusy, setIsBusy] = useState(false);
    const [error, setError] = useState<unknown>(null);
    const tryAll = async () => {
        setIsBusy(true);
        setError(null);
        setResults(new Map());
        try {
            // One after the other: the server tries one thing at a time.
            for (const row of rows) {
                const result = await tryOne({ tenant, version }, inputFor(row));
                setResults((before) => new Map([...before, [row.id, result]]));
            }
        } catch (cause) {
            setError(cause);
        } finally {
            setIsBusy(false);
        }
    };
    const denied = [...results.values()].filter(({ decision }) => decision?.allow !== true);
    return (
        <Stack spacing={1}>
            <Stack direction="row" spacing={2} sx={{ alignItems: 'center' }}>
                <Button variant="outlined" disabled={isBusy} onClick={() => void tryAll()}>
                    Try the last {rows.length} requests
                </Button>
                <Typography role="status" variant="body2">
                    {results.size > 0 &&
                        `${denied.length} of ${results.size} requests would be refused`}
                </Typography>
            </Stack>
            {error !== null && <Alert severity="error">{messageOf(error)}</Alert>}
            <ListTable
                label="Recorded requests"
                heads={['Time', 'Model', 'Then', 'By this version', '']}
            >
                {rows.map((row) => {
                    const result = results.get(row.id);
                    return (
                        <TableRow key={row.id}>
                            <TableCell>
                                <Instant at={row.ts} />
                            </TableCell>
                            <TableCell>{row.model}</TableCell>
                            <TableCell>
                                <StatusChip status={row.status} />
                            </TableCell>
                            <TableCell sx={{ minWidth: 140 }}>
                                {result ? <Decision trial={result} /> : '–'}
                            </TableCell>
                            <TableCell>
                                <Button
                                    size="small"
                                    onClick={() => {
                                        onEdit(row);
                                    }}
                                >
                                    Edit the input
                                </Button>
                            </TableCell>
                        </TableRow>
                    );
                })}
            </ListTable>
        </Stack>
    );
}

interface WrittenTrialProps extends TrialProps {
    text: string;
    onChange: (text: string) => void;
}

function isObject(value: unknown): value is PolicyInput {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function WrittenTrial({ tenant, version, text, onChange }: WrittenTrialProps) {
    const [result, setResult] = useState<TrialBody | null>(null);
    const [error, setError] = useState<unknown>(null);
    const [isBusy, setIsBusy] = useState(false);
    const ask = async () => {
        setIsBusy(true);
        setError(null);
        setResult(null);
        try {
            const input: unknown = JSON.parse(text);
            if (!isObject(input)) throw new Error('An input is an object');
            setResult(await tryOne({ tenant, version }, input));
        } catch (cause) {
            setError(cause);
        } finally {
            setIsBusy(false);
        }
    };
    return (
        <Stack spacing={1} sx={{ mt: 2 }}>
            <CodeEditor
                label="Input (JSON)"
                value={text}
                onChange={onChange}
                error={error === null ? null : messageOf(error)}
            />
            <Box>
                <Button variant="outlined" disabled={isBusy} onClick={() => void ask()}>
                    Try this input
                </Button>
            </Box>
            {result !== null && (
                <Box role="status" aria-label="Decision">
                    <Decision trial={result} />
                </Box>
            )}
        </Stack>
    );
}
