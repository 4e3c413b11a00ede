import java.io.File;
import java.util.HexFormat;
import javax.security.auth.kerberos.KerberosKey;
import javax.security.auth.kerberos.KerberosPrincipal;
import javax.security.auth.kerberos.KeyTab;

/** Prints what the JDK reads: {@code java Keys.java FILE PRINCIPAL...} → {@code kvno principal key}. */
public class Keys {
    public static void main(String[] arguments) {
        for (int at = 1; at < arguments.length; at++) {
            var principal = new KerberosPrincipal(arguments[at]);
            var keytab = KeyTab.getInstance(principal, new File(arguments[0]));
            for (KerberosKey key : keytab.getKeys(principal)) {
                System.out.println(key.getVersionNumber() + " " + key.getPrincipal() + " "
                        + HexFormat.of().formatHex(key.getEncoded()));
            }
        }
    }
}
