import { Page } from '~/components/Page';

export default function LedgerPage() {
    return <Page title="Usage ledger">{null}</Page>;
}
