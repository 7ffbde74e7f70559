/**
 * A ticket for a service out of a credential cache, by the Kerberos of a JDK that has no login module:
 * <pre>java --add-exports java.security.jgss/sun.security.krb5=ALL-UNNAMED ServiceTicket CACHE SERVICE</pre>
 */
public final class ServiceTicket {
    public static void main(String[] arguments) throws Exception {
        Class<?> name = Class.forName("sun.security.krb5.PrincipalName");
        Class<?> credentials = Class.forName("sun.security.krb5.Credentials");
        Object tgt = credentials.getMethod("acquireTGTFromCache", name, String.class).invoke(null, null, arguments[0]);
        Object ticket =
            credentials.getMethod("acquireServiceCreds", String.class, credentials).invoke(null, arguments[1], tgt);
        System.out.println("ticket for " + credentials.getMethod("getServer").invoke(ticket));
        System.out.println("java " + System.getProperty("java.version"));
    }
}
