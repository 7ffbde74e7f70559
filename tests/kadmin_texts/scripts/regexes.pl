# Reads kadmin in the manner of wallet and of modules in Perl: lines that are not errors of the command, a filter for the first line.
use strict;
use warnings;
use IPC::Open3;

my ($kadmin) = @ARGV;

sub query {
    my ($line) = @_;
    my $pid = open3(my $in, my $out, undef, $kadmin, '-q', $line);
    close $in;
    my @lines = grep { !/Authenticating as principal/ } <$out>;
    waitpid $pid, 0;
    die "$line ends with $?" if $?;
    return join '', @lines;
}

sub exists_principal {
    my ($name) = @_;
    my $said = query("getprinc $name");
    return 0 if $said =~ /^get_principal: /m;
    return 1 if $said =~ /^Principal: \Q$name\E@/m;
    die "neither there nor not there: $said";
}

die 'it exists' if exists_principal('rcmd/perl');
die 'it was not made' unless query('addprinc -randkey -clearpolicy rcmd/perl') =~ /^Principal "rcmd\/perl@\S+" created\.$/m;
die 'it was made twice' unless query('addprinc -randkey -clearpolicy rcmd/perl') =~ /^add_principal: Principal or policy already exists while creating "/m;
die 'it does not exist' unless exists_principal('rcmd/perl');
my $said = query('ktadd -q -k perl.keytab -e "aes256-cts:normal aes128-cts:normal" rcmd/perl');
die "ktadd -q speaks: $said" if $said =~ /\S/;
my @keys = grep { /^\s*Key:\s+vno\s+\d+/ } split /\n/, query('getprinc rcmd/perl');
die 'there are ' . scalar(@keys) . ' keys' unless @keys == 2;
die 'no kvno' unless $keys[0] =~ /vno (\d+)/ && $1 == 2;
die 'not modified' unless query('modprinc -maxlife 1hour rcmd/perl') =~ /^Principal "rcmd\/perl@\S+" modified\.$/m;
die 'no life' unless query('getprinc rcmd/perl') =~ /^Maximum ticket life: 0 days 01:00:00$/m;
die 'not deleted' unless query('delprinc -force rcmd/perl') =~ /^Principal "rcmd\/perl@\S+" deleted\.$/m;
die 'deleted twice' unless query('delprinc -force rcmd/perl') =~ /^delete_principal: Principal does not exist while deleting principal "/m;
print "ok\n";
