package com.copperleaf.billing;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.springframework.stereotype.Component;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** Reads camt.053 statements that the accountants upload. */
@Component
public class BankStatementReader {

    public Map<String, BigDecimal> read(InputStream statement)
            throws ParserConfigurationException, SAXException, IOException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        restrict(factory);
        Document document = factory.newDocumentBuilder().parse(statement);

        Map<String, BigDecimal> amounts = new LinkedHashMap<>();
        NodeList entries = document.getElementsByTagName("Ntry");
        for (int i = 0; i < entries.getLength(); i++) {
            Element entry = (Element) entries.item(i);
            String reference = entry.getElementsByTagName("EndToEndId").item(0).getTextContent();
            amounts.put(reference, new BigDecimal(entry.getElementsByTagName("Amt").item(0).getTextContent()));
        }
        return amounts;
    }

    private static void restrict(DocumentBuilderFactory factory) throws ParserConfigurationException {
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        factory.setXIncludeAware(false);
        factory.setExpandEntityReferences(false);
    }
}
