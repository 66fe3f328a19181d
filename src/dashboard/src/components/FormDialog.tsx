import {
    Alert,
    Button,
    Dialog,
    DialogActions,
    DialogContent,
    DialogTitle,
    Stack,
} from '@mui/material';
import { useCallback, useId, useMemo, useRef, useState, type ReactNode } from 'react';

import { FormContext, formErrorOf, type FormError } from './form';

interface FormDialogProps {
    title: string;
    /** What the button says that saves. */
    action: string;
    children: ReactNode;
    /** Saves; what it throws is shown, and the form stays. */
    onSubmit: () => Promise<unknown>;
    onClose: () => void;
}

/**
 * A form in a dialog, shown while it is rendered. What the server refuses stands with the field that it
 * names, else below them all.
 */
export function FormDialog({ title, action, children, onSubmit, onClose }: FormDialogProps) {
    const id = useId();
    const fields = useRef(new Set<string>());
    const [error, setError] = useState<FormError | null>(null);
    const [isBusy, setIsBusy] = useState(false);
    const register = useCallback((name: string) => {
        const names = fields.current;
        names.add(name);
        return () => {
            names.delete(name);
        };
    }, []);
    const context = useMemo(() => ({ error, register }), [error, register]);
    const submit = () => {
        setIsBusy(true);
        setError(null);
        onSubmit()
            .then(onClose, (cause: unknown) => {
                setError(formErrorOf(cause, fields.current));
            })
            .finally(() => {
                setIsBusy(false);
            });
    };
    return (
        <Dialog open onClose={onClose} aria-labelledby={id} fullWidth maxWidth="sm">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    submit();
                }}
            >
                <DialogTitle id={id}>{title}</DialogTitle>
                <DialogContent>
                    <Stack spacing={2} sx={{ pt: 1 }}>
                        <FormContext value={context}>{children}</FormContext>
                        {error !== null && error.field === null && (
                            <Alert severity="error">{error.message}</Alert>
                        )}
                    </Stack>
                </DialogContent>
                <DialogActions>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button type="submit" variant="contained" disabled={isBusy}>
                        {action}
                    </Button>
                </DialogActions>
            </form>
        </Dialog>
    );
}
