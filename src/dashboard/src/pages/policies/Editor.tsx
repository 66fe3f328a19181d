import { Alert, Button, Stack, TextField, Typography } from '@mui/material';
import { useRef, useState } from 'react';

import { api, type Schemas } from '~/api/client';
import { CodeEditor } from '~/components/CodeEditor';
import { Section } from '~/components/Section';
import { messageOf } from '~/components/States';
import { WhatIfAnswer } from '~/components/WhatIfAnswer';
import { formatBytes } from '~/format/numbers';
import { useMay } from '~/session/session';
import type { Range, Tenant } from '~/shell/place';

import { COMMENT_MAX, isRules, onlyText, readUpload, type Files, type Module } from './draft';
import { FileTabs } from './FileTabs';
import { problemOf, type Problem } from './problem';

interface EditorProps {
    tenant: Tenant;
    range: Range;
    title: string;
    /** What is begun with. */
    files: Files;
    onSaved: (bundle: Schemas['BundleBody']) => void;
}

/** Rules as text: tried on what was recorded, and kept as a new version. No version is ever changed. */
export function Editor({ tenant, range, title, files: start, onSaved }: EditorProps) {
    const mayChange = useMay('operator');
    const [files, setFiles] = useState(start);
    const [module, setModule] = useState<Module | null>(null);
    const [asked, setAsked] = useState<string | null>(null);
    const [comment, setComment] = useState('');
    const [problem, setProblem] = useState<Problem | null>(null);
    const whatIf = api.useMutation('post', '/admin/whatif');
    const upload = api.useMutation('post', '/admin/tenant/{id}/policy-bundles');
    const names = Object.keys(files);
    const chosen = asked !== null && asked in files ? asked : (names[0] ?? '');
    const only = onlyText(files);

    const told = (error: unknown) => {
        const next = problemOf(error);
        // What-if is asked about a text without a name.
        const file = names.find((name) => name === next.file) ?? names.find(isRules) ?? null;
        setProblem({ ...next, file: next.at === null ? null : file });
        if (next.at !== null && file !== null) setAsked(file);
    };
    const edit = (next: Files) => {
        setFiles(next);
        setProblem(null);
        whatIf.reset();
    };
    const tryIt = () => {
        setProblem(null);
        const { startDate, endDate } = range.query;
        whatIf.mutate(
            {
                body: {
                    from: startDate,
                    to: endDate,
                    tenantId: tenant.id,
                    changes: { policy: only },
                },
            },
            { onError: told },
        );
    };
    const save = () => {
        setProblem(null);
        const contents = module === null ? { files } : { module: module.base64 };
        upload.mutate(
            {
                params: { path: { id: tenant.id } },
                body: { ...contents, comment: comment.trim() === '' ? null : comment },
            },
            { onError: told, onSuccess: onSaved },
        );
    };
    const isHere = problem !== null && problem.file === chosen;
    return (
        <Section title={title}>
            <Stack spacing={2}>
                {module === null ? (
                    <>
                        <FileTabs
                            files={files}
                            chosen={chosen}
                            onChoose={setAsked}
                            onChange={mayChange ? edit : undefined}
                        />
                        <CodeEditor
                            label={`Rules in Rego: ${chosen}`}
                            value={files[chosen] ?? ''}
                            onChange={
                                mayChange
                                    ? (text) => {
                                          edit({ ...files, [chosen]: text });
                                      }
                                    : undefined
                            }
                            error={isHere ? problem.message : null}
                            at={isHere ? problem.at : null}
                        />
                    </>
                ) : (
                    <Alert
                        severity="info"
                        action={
                            <Button
                                color="inherit"
                                onClick={() => {
                                    setModule(null);
                                }}
                            >
                                Drop it
                            </Button>
                        }
                    >
                        The compiled module {module.name}, {formatBytes(atob(module.base64).length)}
                        , is saved instead of texts.
                    </Alert>
                )}
                {problem !== null && !isHere && (
                    <Alert severity="error" sx={{ whiteSpace: 'pre-wrap' }}>
                        {problem.message}
                    </Alert>
                )}
                {mayChange && (
                    <TextField
                        label="Comment"
                        value={comment}
                        onChange={(event) => {
                            setComment(event.target.value);
                        }}
                        slotProps={{ htmlInput: { maxLength: COMMENT_MAX } }}
                    />
                )}
                <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
                    {mayChange && (
                        <Button variant="contained" disabled={upload.isPending} onClick={save}>
                            Save as a new version
                        </Button>
                    )}
                    <Button
                        variant="outlined"
                        disabled={whatIf.isPending || only === null || module !== null}
                        onClick={tryIt}
                    >
                        Test on recorded requests
                    </Button>
                    {mayChange && (
                        <Upload
                            onRead={(read) => {
                                if ('module' in read) setModule(read.module);
                                else edit(read.files);
                            }}
                            onError={(error) => {
                                setProblem({ message: messageOf(error), file: null, at: null });
                            }}
                        />
                    )}
                </Stack>
                <Typography variant="body2" color="textSecondary">
                    {only === null || module !== null
                        ? 'Only rules of one file can be tested before they are saved.'
                        : `The test replays the requests of ${tenant.name} from ${range.days.startDate} to ${range.days.endDate}, with these rules in the place of the installation’s.`}
                </Typography>
                {whatIf.data && <WhatIfAnswer answer={whatIf.data} />}
            </Stack>
        </Section>
    );
}

interface UploadProps {
    onRead: (read: Awaited<ReturnType<typeof readUpload>>) => void;
    onError: (error: unknown) => void;
}

function Upload({ onRead, onError }: UploadProps) {
    const input = useRef<HTMLInputElement>(null);
    return (
        <>
            <Button onClick={() => input.current?.click()}>Take files of this machine</Button>
            <input
                ref={input}
                type="file"
                multiple
                hidden
                aria-label="Files of rules"
                accept=".rego,.wasm"
                onChange={(event) => {
                    const list = [...(event.target.files ?? [])];
                    // So that the same file can be chosen again.
                    event.target.value = '';
                    if (list.length > 0) readUpload(list).then(onRead, onError);
                }}
            />
        </>
    );
}
