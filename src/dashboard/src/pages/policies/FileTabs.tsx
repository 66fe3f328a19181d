import { Button, Stack, Tab, Tabs } from '@mui/material';
import { useState } from 'react';

import { Field } from '~/components/Field';
import { FormDialog } from '~/components/FormDialog';

import { FILE_NAME, FILES_MAX, type Files } from './draft';

interface FileTabsProps {
    files: Files;
    chosen: string;
    onChoose: (name: string) => void;
    /** Missing where they are only read. */
    onChange: ((files: Files) => void) | undefined;
}

/** The files of a policy. */
export function FileTabs({ files, chosen, onChoose, onChange }: FileTabsProps) {
    const [isAdding, setIsAdding] = useState(false);
    const names = Object.keys(files);
    return (
        <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
            <Tabs
                value={chosen}
                onChange={(_event, name: string) => {
                    onChoose(name);
                }}
                variant="scrollable"
                scrollButtons="auto"
                aria-label="Files"
                sx={{ flexGrow: 1, minWidth: 0 }}
            >
                {names.map((name) => (
                    <Tab key={name} value={name} label={name} />
                ))}
            </Tabs>
            {onChange && (
                <>
                    <Button
                        disabled={names.length >= FILES_MAX}
                        onClick={() => {
                            setIsAdding(true);
                        }}
                    >
                        Add a file
                    </Button>
                    <Button
                        color="error"
                        disabled={names.length < 2}
                        aria-label={`Remove ${chosen}`}
                        onClick={() => {
                            const others = names.filter((name) => name !== chosen);
                            onChange(
                                Object.fromEntries(others.map((name) => [name, files[name] ?? ''])),
                            );
                        }}
                    >
                        Remove
                    </Button>
                </>
            )}
            {isAdding && onChange && (
                <NameDialog
                    taken={names}
                    onName={(name) => {
                        onChange({ ...files, [name]: 'package budgetguard.policy\n' });
                        onChoose(name);
                    }}
                    onClose={() => {
                        setIsAdding(false);
                    }}
                />
            )}
        </Stack>
    );
}

interface NameDialogProps {
    taken: string[];
    onName: (name: string) => void;
    onClose: () => void;
}

function NameDialog({ taken, onName, onClose }: NameDialogProps) {
    const [name, setName] = useState('');
    const submit = () => {
        if (taken.includes(name)) return Promise.reject(new Error(`There is a file ${name}`));
        onName(name);
        return Promise.resolve();
    };
    return (
        <FormDialog title="Add a file" action="Add" onSubmit={submit} onClose={onClose}>
            <Field
                name="fileName"
                label="Name"
                required
                value={name}
                onChange={setName}
                helperText="Ends in .rego; files that end in _test.rego are kept and not evaluated."
                slotProps={{ htmlInput: { pattern: FILE_NAME } }}
            />
        </FormDialog>
    );
}
