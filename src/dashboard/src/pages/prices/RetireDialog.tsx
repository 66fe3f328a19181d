import { Typography } from '@mui/material';
import { useState } from 'react';

import { api } from '~/api/client';
import { FormDialog } from '~/components/FormDialog';

import { instantOf, type Price } from './price';
import { StartField } from './StartField';

interface RetireDialogProps {
    price: Price;
    onClose: () => void;
}

/** Takes a model's price away, from an instant on. */
export function RetireDialog({ price, onClose }: RetireDialogProps) {
    const [start, setStart] = useState('');
    const retire = api.useMutation('post', '/admin/model-pricing/{idOrModel}/retire');
    const submit = () =>
        retire.mutateAsync({
            params: { path: { idOrModel: String(price.id) } },
            body: { effectiveFrom: instantOf(start) },
        });
    return (
        <FormDialog
            title={`Retire ${price.model}?`}
            action="Retire"
            onSubmit={submit}
            onClose={onClose}
        >
            <Typography>
                From then on {price.model} of {price.provider} has no price: wherever a budget
                applies, requests for it are refused. What was charged stays as it is, and a new
                version gives it a price again.
            </Typography>
            <StartField value={start} onChange={setStart} />
        </FormDialog>
    );
}
